package train

import (
	"slices"

	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
	"github.com/gopet-ml/gopet/train/metrics"
)

// byHead answers with the classes of a classification head.
type byHead struct {
	i            *Inference
	model        models.Classifier
	classWeights []float32 // nil: every class weighs 1
}

func (h *byHead) learn() batch.Encoder { return batch.ForHead(h.i.Task, h.i.encodePair) }

func (h *byHead) ask() batch.Encoder { return batch.HeadInput(h.i.Task, h.i.encodePair) }

func (h *byHead) loss(s *torch.Scope, b *batch.Batch, checkpoints *nn.Checkpoints) *torch.Tensor {
	in := input(s, b, true)
	in.Checkpoints = checkpoints
	return h.lossOf(s, models.Logits(h.model, in), b)
}

func (h *byHead) lossOf(s *torch.Scope, logits *torch.Tensor, b *batch.Batch) *torch.Tensor {
	var weights *torch.Tensor
	if h.classWeights != nil {
		weights = torch.FromSlice(s, h.classWeights, int64(len(h.classWeights))).To(logits.DType(), h.i.device)
	}
	return torch.CrossEntropy(logits, h.labels(s, b), weights, torch.ReduceSum)
}

func (h *byHead) labels(s *torch.Scope, b *batch.Batch) *torch.Tensor {
	return torch.FromSlice(s, b.Labels, int64(b.Rows)).ToDevice(h.i.device)
}

// weight is the number of rows, or the sum of their class weights.
func (h *byHead) weight(b *batch.Batch) float64 {
	if h.classWeights == nil {
		return float64(b.Rows)
	}
	var total float64
	for _, label := range b.Labels {
		total += float64(h.classWeights[label])
	}
	return total
}

func (h *byHead) score(b *batch.Batch, scores *Scores) error {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	return h.scoreOf(s, models.Logits(h.model, input(s, b, false)), b, scores)
}

func (h *byHead) scoreOf(s *torch.Scope, logits *torch.Tensor, b *batch.Batch, scores *Scores) error {
	scores.addLoss(torch.CrossEntropy(logits, h.labels(s, b), nil, torch.ReduceSum).Item(), float64(b.Rows))
	classes := scores.Scorer.(*metrics.Classification)
	row := 0
	for of := range slices.Chunk(logits.Float32s(), len(h.i.Task.Labels)) {
		predicted, err := best(b, row, of)
		if err != nil {
			return err
		}
		classes.Add(predicted, int(b.Labels[row]))
		row++
	}
	return nil
}

func (h *byHead) predict(b *batch.Batch) ([]Prediction, error) {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	logits := models.Logits(h.model, input(s, b, false))
	flat, probabilities := logits.Float32s(), logits.Softmax(1).Float64s()
	classes := len(h.i.Task.Labels)
	predictions := make([]Prediction, b.Rows)
	for row := range predictions {
		at := row * classes
		label, err := best(b, row, probabilities[at:at+classes])
		if err != nil {
			return nil, err
		}
		predictions[row] = labelled(label, h.i.Task.Labels, probabilities[at:at+classes], flat[at:at+classes])
	}
	return predictions, nil
}

// labelled is the prediction of a label among all.
func labelled(label int, labels []string, probabilities []float64, logits []float32) Prediction {
	p := Prediction{Label: labels[label], Scores: map[string]float64{}, Logits: logits}
	for c, label := range labels {
		p.Scores[label] = probabilities[c]
	}
	return p
}
