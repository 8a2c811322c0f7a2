package train

import (
	"context"
	"errors"
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

// measureBaselines scores the model before anything is attached to it.
func (t *trainer) measureBaselines(ctx context.Context) (*Baselines, error) {
	if !t.config.Baselines || !t.fresh {
		return nil, nil
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

// rowsDone tells the observer how far something is.
func (t *trainer) rowsDone(what string, total int64) func(done int64) {
	if t.observer == nil {
		return nil
	}
	return func(done int64) { t.observer.Preparing(what, done, total) }
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
