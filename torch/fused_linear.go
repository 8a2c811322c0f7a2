package torch

import (
	"slices"

	"github.com/gopet-ml/gopet/torch/internal/ctorch"
)

// LinearTerm is a linear layer x W^T + b and what is tuned in it. A gradient
// flows to whichever of its tensors require one. It has a mask or an update, not
// both.
type LinearTerm struct {
	Weight *Tensor // [out, in]
	Bias   *Tensor // [out], or nil
	Mask   Mask    // of Weight, as in [MaskedLinear]; the zero Mask is none
	A, B   *Tensor // a low-rank update, as in [LowRankLinear]; nil for none
	Scale  float64 // of the update
}

// FusedLinearOptions say what follows the layers of [FusedLinear].
type FusedLinearOptions struct {
	Activation Activation
	// Gated makes it act(y0) * y1, where y0 and y1 are the outputs of two
	// layers of one size.
	Gated bool
	// Second is a layer over that; nil for none. It needs an Activation.
	Second *LinearTerm
	// Residual [..., out] is added to the result, and NormWeight and NormBias
	// [out], the latter nil or not, normalise the sum as [LayerNorm] does.
	// Both may be nil.
	Residual             *Tensor
	NormWeight, NormBias *Tensor
	Eps                  float64
}

// FusedLinear is a block of a transformer in one pass: linear layers over the
// same x [..., in], whose outputs lie beside each other in the last dimension,
// then what the options add. It computes what the single operations would,
// within rounding, and keeps for the backward pass only what a gradient needs.
func FusedLinear(x *Tensor, o FusedLinearOptions, layers ...LinearTerm) *Tensor {
	const op = "fused_linear"
	second := 0
	if o.Second != nil {
		layers, second = append(slices.Clip(layers), *o.Second), 1
	}
	operands := []*Tensor{x, o.Residual, o.NormWeight, o.NormBias}
	terms := make([]ctorch.LinearTerm, len(layers))
	for i, l := range layers {
		operands = append(operands, l.Weight, l.Bias, l.A, l.B)
		terms[i] = ctorch.LinearTerm{
			Weight: l.Weight.h(op), Bias: optional(op, l.Bias), Values: optional(op, l.Mask.Values), Index: optional(op, l.Mask.Index),
			A: optional(op, l.A), B: optional(op, l.B), Scale: l.Scale,
		}
	}
	options := ctorch.FusedLinearOptions{
		Activation: int32(o.Activation), Gated: o.Gated, Residual: optional(op, o.Residual),
		NormWeight: optional(op, o.NormWeight), NormBias: optional(op, o.NormBias), Eps: o.Eps,
	}
	return result(scopeOf(op, operands...), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.FusedLinear(out, mode, x.h(op), terms, second, options)
	})
}
