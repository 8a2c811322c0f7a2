package torch

import "github.com/gopet-ml/gopet/torch/internal/ctorch"

// LowRankLinear is Linear(x, weight, bias) plus scale (x a^T) b^T, for a
// [rank, in] and b [out, rank] of x's dtype: LoRA's layer. Where b is zero the
// result has the bits of Linear. Nothing as wide as the layer is made twice.
func LowRankLinear(x, weight, bias, a, b *Tensor, scale float64) *Tensor {
	const op = "low_rank_linear"
	return result(scopeOf(op, x, weight, bias, a, b), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.LowRankLinear(out, mode, x.h(op), weight.h(op), optional(op, bias), a.h(op), b.h(op), scale)
	})
}
