package train

import (
	"context"
	"math"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
	"github.com/gopet-ml/gopet/torch/optim"
)

// probe trains the head of a model whose encoder is frozen. What the encoder
// says of a row is computed once and kept.
type probe struct {
	*trainer
	head    *byHead
	initial []*torch.Tensor // the head's values at the beginning
	best    []*torch.Tensor // and those that did best on validation
	kept    map[data.Split]map[int64][]float32
	room    int64 // bytes that may still be kept
}

// probeMemory is the most that a probe keeps of the encoder's output, in bytes.
const probeMemory = 512 << 20

func newProbe(t *trainer, head *byHead) *probe {
	p := &probe{trainer: t, head: head, kept: map[data.Split]map[int64][]float32{}, room: probeMemory}
	for _, parameter := range t.Model.Registry().Parameters() {
		parameter.Tensor.SetRequiresGrad(false)
	}
	p.initial, p.best = copies(t.Model.Head()), copies(t.Model.Head())
	return p
}

func copies(parameters []*nn.Parameter) []*torch.Tensor {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	list := make([]*torch.Tensor, len(parameters))
	for i, parameter := range parameters {
		list[i] = s.Keep(parameter.Tensor.In(s).Clone())
	}
	return list
}

// close puts the head back to what it was.
func (p *probe) close() {
	for i, parameter := range p.Model.Head() {
		parameter.Tensor.SetRequiresGrad(false)
		parameter.Tensor.CopyFrom(p.initial[i])
		p.initial[i].Close()
		p.best[i].Close()
	}
}

// train runs the steps of the run on the head, and keeps the values of the
// best step.
func (p *probe) train(ctx context.Context) error {
	optimizer := p.optimizer()
	defer optimizer.Close()
	reader, err := p.batches(ctx, p.head, batch.Options{
		Split: p.trainer.train, Rows: p.config.Batch, Arrangement: p.arrangement(), Seed: int64(p.config.Seed),
	}, batch.State{})
	if err != nil {
		return err
	}
	watch := p.rowsDone("tuning the head alone", int64(p.steps))
	step, best, stale := 0, math.Inf(-1), 0
	err = eachBatch(ctx, reader, func(b *batch.Batch) (bool, error) {
		p.step(optimizer, b, p.progress.HeadLR*p.schedule.Factor(step))
		step++
		if watch != nil {
			watch(int64(step))
		}
		if step%p.evalEvery != 0 && step != p.steps {
			return true, nil
		}
		scores, err := p.score(ctx, p.validation)
		if err != nil {
			return false, err
		}
		value, err := scores.Value(p.config.SelectMetric)
		if stale++; value > best {
			best, stale = value, 0
			p.copyHead(p.best)
		}
		return step < p.steps && (p.config.Patience == 0 || stale < p.config.Patience), err
	})
	for i, parameter := range p.Model.Head() {
		parameter.Tensor.SetRequiresGrad(false)
		parameter.Tensor.CopyFrom(p.best[i])
	}
	return err
}

func (p *probe) optimizer() *optim.AdamW {
	config := optim.DefaultConfig()
	config.WeightDecay, config.MaxNorm = p.config.WeightDecay, p.config.Clip
	var params []optim.Param
	for _, parameter := range p.Model.Head() {
		parameter.Tensor.SetRequiresGrad(true)
		params = append(params, optim.Param{Name: parameter.Name, Leaf: parameter.Tensor, Decay: pet.Decays(parameter.Name)})
	}
	return optim.NewAdamW(params, config)
}

func (p *probe) step(optimizer *optim.AdamW, b *batch.Batch, lr float64) {
	s := torch.NewScope()
	defer s.Close()
	optimizer.ZeroGrad()
	logits := p.head.model.ClassifyPooled(p.pooled(s, p.trainer.train, b), false)
	p.head.lossOf(s, logits, b).MulScalar(1 / p.head.weight(b)).Backward()
	optimizer.Step(lr)
}

func (p *probe) copyHead(to []*torch.Tensor) {
	for i, parameter := range p.Model.Head() {
		to[i].CopyFrom(parameter.Tensor)
	}
}

func (p *probe) score(ctx context.Context, split data.Split) (*Scores, error) {
	reader, err := p.batches(ctx, p.head, batch.Options{Split: split, Rows: evalRows, Arrangement: batch.ByLength, Epochs: 1}, batch.State{})
	if err != nil {
		return nil, err
	}
	scores := p.newScores()
	watch := p.rowsDone("scoring the head alone", data.NumRows(split))
	return scores, eachBatch(ctx, reader, func(b *batch.Batch) (bool, error) {
		s := torch.NewScope(torch.NoGrad())
		defer s.Close()
		if err := p.head.scoreOf(s, p.head.model.ClassifyPooled(p.pooled(s, split, b), false), b, scores); err != nil {
			return false, err
		}
		if watch != nil {
			watch(scores.Rows())
		}
		return true, nil
	})
}

// pooled is what the head reads of a batch's rows: [rows, dim], without
// gradients.
func (p *probe) pooled(s *torch.Scope, split data.Split, b *batch.Batch) *torch.Tensor {
	if flat := p.recall(split, b); flat != nil {
		pooled := torch.FromSlice(s, flat, int64(b.Rows), int64(len(flat)/b.Rows))
		return pooled.To(p.head.model.Head()[0].Tensor.DType(), p.device)
	}
	inner := s.NewScope(torch.NoGrad())
	in := input(inner, b, false)
	pooled := inner.Keep(p.head.model.Pooled(models.Hidden(p.head.model, in), in).Detach().Clone())
	inner.Close()
	p.remember(split, b, pooled)
	return pooled
}

// recall is what was kept of a batch's rows; nil unless it is all of them.
func (p *probe) recall(split data.Split, b *batch.Batch) []float32 {
	var flat []float32
	for _, row := range b.RowIDs {
		kept, ok := p.kept[split][row]
		if !ok {
			return nil
		}
		flat = append(flat, kept...)
	}
	return flat
}

func (p *probe) remember(split data.Split, b *batch.Batch, pooled *torch.Tensor) {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	flat := pooled.In(s).ToDType(torch.Float32).Float32s()
	if p.room -= int64(4 * len(flat)); p.room < 0 {
		return
	}
	if p.kept[split] == nil {
		p.kept[split] = map[int64][]float32{}
	}
	dim := len(flat) / b.Rows
	for i, row := range b.RowIDs {
		p.kept[split][row] = flat[i*dim : (i+1)*dim]
	}
}
