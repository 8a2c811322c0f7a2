package train

import (
	"context"
	"errors"
	"io"
	"runtime"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/train/metrics"
)

// Scores is the result of evaluating a classifier on a split.
type Scores struct {
	*metrics.Classification
	Labels []string // the classes' names
	Loss   float64  // mean over rows, not weighted by class
}

// evalRows is how many rows are scored at once: enough to fill the products,
// few enough that a batch's activations stay small.
const evalRows = 32

// Evaluate scores the model on a split of the data. Watch, when not nil, is
// told how many rows are done.
func (i *Inference) Evaluate(ctx context.Context, split data.Split, watch func(done int64)) (*Scores, error) {
	if err := i.needHead(); err != nil {
		return nil, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	reader, err := i.batches(ctx, batch.Options{Split: split, Rows: evalRows, Arrangement: batch.ByLength, Epochs: 1}, batch.State{})
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	scores := &Scores{Classification: metrics.NewClassification(len(i.Task.Labels)), Labels: i.Task.Labels}
	for {
		b, err := reader.Next(ctx)
		if errors.Is(err, io.EOF) {
			scores.Loss /= float64(scores.Rows())
			return scores, nil
		}
		if err != nil {
			return nil, err
		}
		if err := torch.Try(func() { i.score(b, scores) }); err != nil {
			return nil, err
		}
		if watch != nil {
			watch(scores.Rows())
		}
	}
}

// score adds a batch's predictions to the scores.
func (i *Inference) score(b *batch.Batch, scores *Scores) {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	logits := models.Logits(i.Model, input(s, b, i.device, false))
	labels := torch.FromSlice(s, b.Labels, int64(b.Rows)).ToDevice(i.device)
	scores.Loss += torch.CrossEntropy(logits, labels, nil, torch.ReduceSum).Item()
	for row, predicted := range logits.ArgMax(1).Int64s() {
		scores.Add(int(predicted), int(b.Labels[row]))
	}
}

// Values are the scores by name, with the number of rows, the accuracies of
// guessing at random and of always naming the largest class, and the loss,
// unless it is not finite: JSON has no number for that.
func (s *Scores) Values() map[string]float64 {
	values := metrics.Values(s)
	values["rows"], values["random_guess"], values["majority"] = float64(s.Rows()), s.RandomGuess(), s.Majority()
	if finite(s.Loss) != nil {
		values["loss"] = s.Loss
	}
	return values
}
