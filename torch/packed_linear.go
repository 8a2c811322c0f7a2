package torch

import "github.com/gopet-ml/gopet/torch/internal/ctorch"

// PackedWeight is the weight of a linear layer in the layout that oneDNN
// chooses for it: a copy. It is on the CPU, float32 or bfloat16.
type PackedWeight struct{ tensor *Tensor }

// PackLinear packs a weight [out, in] for products with about so many rows, as
// a member of s.
func PackLinear(s *Scope, weight *Tensor, rows int64) PackedWeight {
	const op = "pack_linear"
	return PackedWeight{result(s, func(out *ctorch.Handle, _ ctorch.Mode) error {
		return ctorch.PackLinear(out, weight.h(op), rows)
	})}
}

// PackedLinear is x W^T for x [rows, in], without gradients: the product that
// oneDNN computes fastest.
func PackedLinear(x *Tensor, w PackedWeight) *Tensor {
	const op = "packed_linear"
	return result(scopeOf(op, x, w.tensor), func(out *ctorch.Handle, _ ctorch.Mode) error {
		return ctorch.PackedLinear(out, x.h(op), w.tensor.h(op))
	})
}
