package train

import (
	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
)

// optimize makes one update from a batch, in micro-batches where asked, and
// fills in what it learned about the step.
func (t *trainer) optimize(b *batch.Batch, step *Step) {
	t.optimizer.ZeroGrad()
	total := t.weightOf(b)
	for _, part := range b.Split(t.config.MicroBatch) {
		step.Loss += t.accumulate(part, total)
	}
	result := t.optimizer.Step(step.LR)
	step.GradNorm, step.Skipped = result.GradNorm, result.Skipped
}

// accumulate adds the gradients of a part of a batch and returns its share of
// the batch's loss: the mean over rows, weighted by class where asked.
func (t *trainer) accumulate(b *batch.Batch, total float64) float64 {
	s := torch.NewScope()
	defer s.Close()
	logits := models.Logits(t.Model, input(s, b, t.device, true))
	labels := torch.FromSlice(s, b.Labels, int64(b.Rows)).ToDevice(t.device)
	var weights *torch.Tensor
	if t.classWeights != nil {
		weights = torch.FromSlice(s, t.classWeights, int64(len(t.classWeights))).To(logits.DType(), t.device)
	}
	loss := torch.CrossEntropy(logits, labels, weights, torch.ReduceSum).MulScalar(1 / total)
	loss.Backward()
	return loss.Item()
}

// weightOf is what the losses of a batch's rows are divided by.
func (t *trainer) weightOf(b *batch.Batch) float64 {
	if t.classWeights == nil {
		return float64(b.Rows)
	}
	var total float64
	for _, label := range b.Labels {
		total += float64(t.classWeights[label])
	}
	return total
}
