package train

import (
	"runtime"
	"slices"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/bert"
	"github.com/gopet-ml/gopet/torch"
)

// Prediction is what a classifier says of a row.
type Prediction struct {
	Label  string             `json:"label"`
	Scores map[string]float64 `json:"scores"`           // probability by label
	Logits []float32          `json:"logits,omitempty"` // in label order
}

// Predict classifies rows, which need the task's text columns.
func (i *Inference) Predict(rows []data.Row) ([]Prediction, error) {
	if err := i.needHead(); err != nil {
		return nil, err
	}
	predictions := make([]Prediction, len(rows))
	err := i.forward(rows, func(in models.Input, from int) {
		logits := models.Logits(i.Model, in)
		probabilities := logits.Softmax(1).Float64s()
		flat, classes := logits.Float32s(), len(i.Task.Labels)
		for at := 0; at < len(flat); at += classes {
			row := flat[at : at+classes]
			p := Prediction{Scores: map[string]float64{}, Logits: row}
			p.Label = i.Task.Labels[slices.Index(row, slices.Max(row))]
			for c, label := range i.Task.Labels {
				p.Scores[label] = probabilities[at+c]
			}
			predictions[from+at/classes] = p
		}
	})
	return predictions, err
}

// Embed returns a vector for each row: the last hidden state pooled.
func (i *Inference) Embed(rows []data.Row, pooling bert.Pooling) ([][]float32, error) {
	vectors := make([][]float32, len(rows))
	err := i.forward(rows, func(in models.Input, from int) {
		pooled := bert.Pool(models.Hidden(i.Model, in), in, pooling)
		n := 0
		for vector := range slices.Chunk(pooled.Float32s(), int(pooled.Dim(1))) {
			vectors[from+n] = vector
			n++
		}
	})
	return vectors, err
}

// forward runs f on consecutive batches of rows, each in a scope of its own;
// from is the number of the batch's first row.
func (i *Inference) forward(rows []data.Row, f func(in models.Input, from int)) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	from := 0
	for part := range slices.Chunk(rows, evalRows) {
		b, err := batch.Of(batch.HeadInput(i.Task, i.encode), part, i.Tokenizer.PadID())
		if err != nil {
			return err
		}
		err = torch.Try(func() {
			s := torch.NewScope(torch.NoGrad())
			defer s.Close()
			f(input(s, b, i.device, false), from)
		})
		if err != nil {
			return err
		}
		from += len(part)
	}
	return nil
}
