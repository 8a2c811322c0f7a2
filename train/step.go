package train

import (
	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
	"github.com/gopet-ml/gopet/torch/optim"
)

// stepping is how an update is made from a batch.
type stepping struct {
	skill      skill
	optimizer  *optim.AdamW
	microBatch int  // rows computed at once; 0: the whole batch
	checkpoint bool // layers are computed again for the backward pass
}

// optimize makes one update at step.LR, and fills in what it learned about the
// step.
func (p stepping) optimize(b *batch.Batch, step *Step) {
	p.optimizer.ZeroGrad()
	total := p.skill.weight(b)
	for _, part := range b.Split(p.microBatch) {
		step.Loss += p.accumulate(part, total)
	}
	result := p.optimizer.Step(step.LR)
	step.GradNorm, step.Skipped = result.GradNorm, result.Skipped
}

// accumulate adds the gradients of a part of a batch and returns its share of
// the batch's mean loss.
func (p stepping) accumulate(b *batch.Batch, total float64) float64 {
	s := torch.NewScope()
	defer s.Close()
	var checkpoints *nn.Checkpoints
	if p.checkpoint {
		checkpoints = &nn.Checkpoints{}
	}
	loss := p.skill.loss(s, b, checkpoints).MulScalar(1 / total)
	loss.Backward()
	checkpoints.Backward()
	return loss.Item()
}
