package train

import (
	"context"
	"runtime"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/batch"
)

// evalRows is how many rows are scored at once: enough to fill the products,
// few enough that a batch's activations stay small.
const evalRows = 32

// Evaluate scores the model on a split of the data. Watch, when not nil, is
// told how many rows are done.
func (i *Inference) Evaluate(ctx context.Context, split data.Split, watch func(done int64)) (*Scores, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	skill, err := i.skillFor(nil)
	if err != nil {
		return nil, err
	}
	reader, err := i.batches(ctx, skill, batch.Options{Split: split, Rows: evalRows, Arrangement: batch.ByLength, Epochs: 1}, batch.State{})
	if err != nil {
		return nil, err
	}
	scores := i.newScores()
	return scores, eachBatch(ctx, reader, func(b *batch.Batch) (bool, error) {
		if err := skill.score(b, scores); err != nil {
			return false, err
		}
		if watch != nil {
			watch(scores.Rows())
		}
		return true, nil
	})
}
