package train

import (
	"errors"
	"runtime"
	"slices"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/bert"
	"github.com/gopet-ml/gopet/torch"
)

// Prediction is what a model says of a row: a label and its rivals or, where
// the task generates, a text.
type Prediction struct {
	Label  string             `json:"label,omitempty"`
	Scores map[string]float64 `json:"scores,omitempty"` // probability by label
	// Logits are in label order: a head's or, of a text-to-text model, those
	// of each label's first piece at the first decoding step.
	Logits []float32 `json:"logits,omitempty"`
	Text   *string   `json:"text,omitempty"`
}

// Predict answers rows, which need the task's text columns. Any number of
// goroutines may call it at once.
func (i *Inference) Predict(rows []data.Row) ([]Prediction, error) {
	skill, err := i.skillFor(nil)
	if err != nil {
		return nil, err
	}
	predictions := make([]Prediction, 0, len(rows))
	err = i.forward(rows, skill.ask(), func(b *batch.Batch) error {
		some, err := skill.predict(b)
		predictions = append(predictions, some...)
		return err
	})
	return predictions, err
}

// Embed returns a vector for each row: the last hidden state of BERT, pooled.
func (i *Inference) Embed(rows []data.Row, pooling bert.Pooling) ([][]float32, error) {
	m, ok := i.Model.(*bert.Model)
	if !ok {
		return nil, errors.New("the model does not embed texts: take a BERT")
	}
	vectors := make([][]float32, 0, len(rows))
	err := i.forward(rows, batch.HeadInput(i.Task, i.encodePair), func(b *batch.Batch) error {
		s := torch.NewScope(torch.NoGrad())
		defer s.Close()
		in := input(s, b, false)
		pooled := m.Pool(models.Hidden(m, in), in, pooling)
		for vector := range slices.Chunk(pooled.Float32s(), int(pooled.Dim(1))) {
			vectors = append(vectors, vector)
		}
		return nil
	})
	return vectors, err
}

// forward runs f on consecutive batches of rows.
func (i *Inference) forward(rows []data.Row, encode batch.Encoder, f func(*batch.Batch) error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for part := range slices.Chunk(rows, evalRows) {
		b, err := batch.Of(encode, part)
		if err != nil {
			return err
		}
		if failure := torch.Try(func() { err = f(b) }); failure != nil {
			return failure
		}
		if err != nil {
			return err
		}
	}
	return nil
}
