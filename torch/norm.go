package torch

import "github.com/gopet-ml/gopet/torch/internal/ctorch"

// LayerNorm normalises the last dimension of x to mean 0 and variance 1, then
// scales by weight [dim] and shifts by bias [dim] or nil.
func LayerNorm(x, weight, bias *Tensor, eps float64) *Tensor {
	return result(scopeOf("layer_norm", x, weight, bias), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.LayerNorm(out, mode, x.h("layer_norm"), weight.h("layer_norm"), optional("layer_norm", bias), eps)
	})
}

// RMSNorm divides the last dimension of x by its root mean square and scales
// it by weight [dim]. It computes in the weight's dtype and keeps x's.
func RMSNorm(x, weight *Tensor, eps float64) *Tensor {
	return result(scopeOf("rms_norm", x, weight), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.RMSNorm(out, mode, x.h("rms_norm"), weight.h("rms_norm"), eps)
	})
}

// AddLayerNorm is LayerNorm(x + residual), for x and residual of one shape. It
// keeps one sum for the backward pass and computes one gradient for both.
func AddLayerNorm(x, residual, weight, bias *Tensor, eps float64) *Tensor {
	const op = "add_layer_norm"
	return result(scopeOf(op, x, residual, weight, bias), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.AddLayerNorm(out, mode, x.h(op), residual.h(op), weight.h(op), optional(op, bias), eps)
	})
}

// AddRMSNorm is sum = x + residual, for x and residual of one shape, and
// RMSNorm(sum), in one pass forward and one backward.
func AddRMSNorm(x, residual, weight *Tensor, eps float64) (sum, normed *Tensor) {
	const op = "add_rms_norm"
	s := scopeOf(op, x, residual, weight)
	sum, normed = &Tensor{}, &Tensor{}
	must(ctorch.AddRMSNorm(&sum.handle, &normed.handle, s.mode, x.h(op), residual.h(op), weight.h(op), eps))
	s.add(sum)
	s.add(normed)
	return sum, normed
}
