package train

import (
	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/torch"
)

// optimize makes one update from a batch, in micro-batches where asked, and
// fills in what it learned about the step.
func (t *trainer) optimize(b *batch.Batch, step *Step) {
	t.optimizer.ZeroGrad()
	total := t.skill.weight(b)
	for _, part := range b.Split(t.config.MicroBatch) {
		step.Loss += t.accumulate(part, total)
	}
	result := t.optimizer.Step(step.LR)
	step.GradNorm, step.Skipped = result.GradNorm, result.Skipped
}

// accumulate adds the gradients of a part of a batch and returns its share of
// the batch's mean loss.
func (t *trainer) accumulate(b *batch.Batch, total float64) float64 {
	s := torch.NewScope()
	defer s.Close()
	loss := t.skill.loss(s, b).MulScalar(1 / total)
	loss.Backward()
	return loss.Item()
}
