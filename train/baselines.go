package train

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/torch"
)

// Baselines are scores to hold a result against, by name, on the split of the
// result: test or, without one, validation.
type Baselines struct {
	// Untuned is the model as it was loaded, with a new head where it had none.
	Untuned map[string]float64 `json:"untuned"`
	// HeadOnly is the model with its head trained alone, k = 0, by the run's
	// own batches, schedule and choice of the best step, without dropout. Nil
	// where there is no head.
	HeadOnly map[string]float64 `json:"head_only"`
}

// measureBaselines scores the model as it is without tuning. That comes last,
// so that the first step need not wait for it, and on the model loaded anew,
// in place of the tuned one: not every method leaves a base to go back to, and
// memory may hold one model only.
func (t *trainer) measureBaselines(ctx context.Context) (*Baselines, error) {
	t.close()
	if err := t.reopen(ctx); err != nil {
		return nil, err
	}
	split := t.test
	if split == nil {
		split = t.validation
	}
	if h, ok := t.skill.(*byHead); ok {
		return t.headBaselines(ctx, h, split)
	}
	scores, err := t.Evaluate(ctx, split, t.rowsDone("scoring the untuned model", data.NumRows(split)))
	if err != nil {
		return nil, err
	}
	return &Baselines{Untuned: scores.Values()}, nil
}

// reopen loads the model that the run began with, for rows of the run's own
// length.
func (t *trainer) reopen(ctx context.Context) error {
	t.setup.MaxLength, t.setup.MaxTarget = t.config.MaxLength, t.config.MaxTarget
	var err error
	if t.Inference, err = open(ctx, t.setup, true); err != nil {
		return err
	}
	fingerprint, err := t.Fingerprint()
	if err != nil {
		return err
	}
	if fingerprint != t.base.Fingerprint {
		return fmt.Errorf("baselines: %s is no longer the model that the run was started with", t.config.Model)
	}
	t.skill, err = t.prepareSkill(ctx)
	return err
}

// rowsDone tells the observer how far something is.
func (t *trainer) rowsDone(what string, total int64) func(done int64) {
	if t.observer == nil {
		return nil
	}
	return func(done int64) { t.observer.Measuring(what, done, total) }
}

// headBaselines trains the head alone. The encoder does not change meanwhile,
// so it reads every row once.
func (t *trainer) headBaselines(ctx context.Context, h *byHead, split data.Split) (*Baselines, error) {
	p := newProbe(t, h)
	defer p.close()
	untuned, err := p.score(ctx, split)
	if err != nil {
		return nil, err
	}
	if err := p.train(ctx); err != nil {
		return nil, err
	}
	tuned, err := p.score(ctx, split)
	if err != nil {
		return nil, err
	}
	return &Baselines{Untuned: untuned.Values(), HeadOnly: tuned.Values()}, nil
}

// eachBatch calls f with the batches of a reader, in order, until it says to stop.
func eachBatch(ctx context.Context, reader *batch.Reader, f func(*batch.Batch) (more bool, err error)) error {
	defer reader.Close()
	for {
		b, err := reader.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var more bool
		if failure := torch.Try(func() { more, err = f(b) }); failure != nil {
			return failure
		}
		if err != nil || !more {
			return err
		}
	}
}
