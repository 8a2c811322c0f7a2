package torch

import "github.com/gopet-ml/gopet/torch/internal/ctorch"

// AdamWParam is one parameter of [AdamW].
type AdamWParam struct {
	Leaf             *Tensor // holds the gradient
	Master           *Tensor // float32 or float64: what is updated
	ExpAvg, ExpAvgSq *Tensor // its moments
	Weight           *Tensor // nil, or gets Master written through in its own dtype
	Index            *Tensor // nil, or the flat positions of Master in Weight
	WeightDecay      float64
}

// AdamWOptions are the numbers of one step of [AdamW].
type AdamWOptions = ctorch.AdamWOptions

// AdamW updates all parameters in one call: gradients are clipped to a global
// norm of MaxNorm (0: never), then applied as torch.optim.AdamW does, and
// written through. It returns the norm before clipping; when that is not
// finite nothing is changed and skipped is true.
func AdamW(params []AdamWParam, o AdamWOptions) (gradNorm float64, skipped bool) {
	const op = "adamw"
	list := make([]ctorch.AdamWParam, len(params))
	for i, p := range params {
		list[i] = ctorch.AdamWParam{
			Leaf: p.Leaf.h(op), Master: p.Master.h(op), ExpAvg: p.ExpAvg.h(op), ExpAvgSq: p.ExpAvgSq.h(op),
			Weight: optional(op, p.Weight), Index: optional(op, p.Index), WeightDecay: p.WeightDecay,
		}
	}
	gradNorm, skipped, err := ctorch.AdamW(list, o)
	must(err)
	return gradNorm, skipped
}
