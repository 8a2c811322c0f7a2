package train

import (
	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/optim"
)

// optimize makes one update from a batch, in parts of microBatch rows (0: the
// whole), at step.LR, and fills in what it learned about the step.
func optimize(skill skill, optimizer *optim.AdamW, b *batch.Batch, microBatch int, step *Step) {
	optimizer.ZeroGrad()
	total := skill.weight(b)
	for _, part := range b.Split(microBatch) {
		step.Loss += accumulate(skill, part, total)
	}
	result := optimizer.Step(step.LR)
	step.GradNorm, step.Skipped = result.GradNorm, result.Skipped
}

// accumulate adds the gradients of a part of a batch and returns its share of
// the batch's mean loss.
func accumulate(skill skill, b *batch.Batch, total float64) float64 {
	s := torch.NewScope()
	defer s.Close()
	loss := skill.loss(s, b).MulScalar(1 / total)
	loss.Backward()
	return loss.Item()
}
