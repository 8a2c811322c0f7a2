package train

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
	"github.com/gopet-ml/gopet/train/metrics"
)

// skill is what models of one kind do with a task: read its rows, learn from
// them, and answer. Its methods panic with *torch.Error.
type skill interface {
	// learn encodes a row with its answer, ask without.
	learn() batch.Encoder
	ask() batch.Encoder
	// loss is the sum of a batch's losses, and weight what a mean of them
	// divides by. With checkpoints, nil or not, it keeps what they keep.
	loss(s *torch.Scope, b *batch.Batch, checkpoints *nn.Checkpoints) *torch.Tensor
	weight(b *batch.Batch) float64
	// score answers a batch and adds the answers to the scores. An answer
	// that is not a number is an error.
	score(b *batch.Batch, scores *Scores) error
	// predict answers the rows of a batch, in their order.
	predict(b *batch.Batch) ([]Prediction, error)
}

// best is the index of the largest of a row's values. A NaN is an error.
func best[T float32 | float64](b *batch.Batch, row int, values []T) (int, error) {
	most := slices.Max(values) // NaN if there is one
	at := slices.Index(values, most)
	if at < 0 {
		return 0, notANumber(b, row)
	}
	return at, nil
}

var errNotANumber = errors.New("the model's answer is not a number: its weights, or the adapter's, are damaged")

func notANumber(b *batch.Batch, row int) error {
	return fmt.Errorf("row %d: %w", b.RowIDs[row], errNotANumber)
}

// errNoSkill is of a model that cannot do the task.
var errNoSkill = errors.New("the model has no classification head: give an adapter, or a checkpoint with a head")

// skillFor tells what a model can do with a task.
func (i *Inference) skillFor(classWeights []float32) (skill, error) {
	switch m := i.Model.(type) {
	case models.TextToText:
		if classWeights != nil {
			return nil, errors.New("class weights are for classification heads: a text-to-text model learns words")
		}
		return newByText(i, m), nil
	case models.Classifier:
		if len(m.Head()) == 0 {
			return nil, errNoSkill
		}
		return &byHead{i: i, model: m, classWeights: classWeights}, nil
	}
	return nil, errNoSkill
}

// kind is how the model answers the task.
func (i *Inference) kind() metrics.Kind {
	_, textToText := i.Model.(models.TextToText)
	return metrics.KindOf(i.Task, textToText)
}
