package train

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/optim"
)

// A Learner makes training steps of batches that it is handed: those of Run's
// loop, without its data, evaluations and files. Dropout is off.
//
// Until Attach gives it a method everything is frozen, and a step is the floor
// of all methods: forward, loss, and the activation gradient down to the
// (encoder's) embedding output. A Learner is for one goroutine, which is locked
// to its thread.
type Learner struct {
	*Inference
	setup     Setup
	skill     skill
	optimizer *optim.AdamW // nil: the floor
	// CheckpointActivations is Config's.
	CheckpointActivations bool
}

// OpenLearner loads what setup names; a model without a classification head
// gets one. The caller closes it.
func OpenLearner(ctx context.Context, setup Setup) (*Learner, error) {
	if err := setup.followAdapter(); err != nil {
		return nil, err
	}
	i, err := open(ctx, setup, true)
	if err != nil {
		return nil, err
	}
	l := &Learner{Inference: i, setup: setup}
	if err := l.prepare(); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Learner) prepare() error {
	l.Model.SetDropout(0)
	for _, p := range l.Model.Registry().Parameters() {
		p.Tensor.SetRequiresGrad(false)
	}
	if err := l.settleLengths(l.setup); err != nil {
		return err
	}
	l.setup.MaxLength = l.maxLength // a soft prompt must have room beside it
	floor := *l.Inference
	floor.Model = floored(l.Model)
	var err error
	l.skill, err = floor.skillFor(nil)
	return err
}

// Attach tunes the model by a method from here on, and the head with it. Params
// are as pet.Budget reads them, where they are not empty.
func (l *Learner) Attach(name, params string, o pet.Options) error {
	method, err := pet.Lookup(name)
	if err != nil {
		return err
	}
	if params != "" {
		if o.K, err = pet.Budget(params, l.Model, o); err != nil {
			return err
		}
	}
	if l.attached, err = pet.Attach(l.Model, method, o, true); err != nil {
		return err
	}
	if err := l.settleLengths(l.setup); err != nil {
		return err
	}
	if l.skill, err = l.skillFor(nil); err != nil {
		return err
	}
	return torch.Try(func() { l.optimizer = optim.NewAdamW(l.attached.Params(), optim.DefaultConfig()) })
}

// Params lists what is tuned, the head's parameters last; none before Attach.
func (l *Learner) Params() []optim.Param {
	if l.attached == nil {
		return nil
	}
	return l.attached.Params()
}

// Trainable counts what is tuned.
func (l *Learner) Trainable() Trainable {
	if l.attached == nil {
		return Trainable{}
	}
	return Trainable{Method: l.attached.Count(), Head: l.attached.HeadCount()}
}

// Examples encodes the first n rows of the training split, in the order of a
// seed, with their answers. A split with fewer rows is an error.
func (l *Learner) Examples(ctx context.Context, n int, seed int64) ([]batch.Example, error) {
	split, err := data.FindSplit(l.setup.Dataset, data.Train)
	if err != nil {
		return nil, err
	}
	rows, err := data.NewReader(split, data.Order{Columns: l.Task.Columns(), Shuffle: true, Seed: seed}, 0)
	if err != nil {
		return nil, err
	}
	encode, examples := l.skill.learn(), make([]batch.Example, n)
	for i := range examples {
		row, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("split %q has %d rows, and %d are asked for: take fewer steps, or a smaller batch", split.Name(), i, n)
		}
		if err != nil {
			return nil, err
		}
		if examples[i], err = encode(row); err != nil {
			return nil, err
		}
	}
	return examples, nil
}

// Step makes one step of a batch at a learning rate.
func (l *Learner) Step(b *batch.Batch, lr float64) (Step, error) {
	step := Step{LR: lr, Rows: b.Rows, Tokens: b.Tokens}
	p := stepping{skill: l.skill, optimizer: l.optimizer, checkpoint: l.CheckpointActivations}
	err := torch.Try(func() {
		if l.optimizer == nil {
			step.Loss = p.accumulate(b, l.skill.weight(b))
			return
		}
		p.optimize(b, &step)
	})
	return step, err
}

// Close frees the model and what was attached to it.
func (l *Learner) Close() {
	if l.optimizer != nil {
		l.optimizer.Close()
	}
	l.Inference.Close()
}
