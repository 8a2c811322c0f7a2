package torch

import "github.com/gopet-ml/gopet/torch/internal/ctorch"

// Mask selects k entries of one frozen weight, which APET tunes.
//
// Index holds their flat row-major positions, ascending and distinct: int64
// [k]. Values is the leaf, float32 or float64 [k], that receives the gradient
// of those entries. The weight itself holds the current values, so a forward
// pass never reads Values; whoever changes them writes them through with
// [Tensor.Put].
type Mask struct {
	Index, Values *Tensor
}

// MaskedLinear is Linear with a gradient for x, for bias if it requires one,
// and for the masked entries of weight alone. The k gradients are computed as
// sampled sums or in tiles: the full gradient is never stored.
func MaskedLinear(x, weight, bias *Tensor, m Mask) *Tensor {
	const op = "masked_linear"
	return result(scopeOf(op, x, weight, bias), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.MaskedLinear(out, mode, x.h(op), weight.h(op), optional(op, bias), m.Values.h(op), m.Index.h(op))
	})
}

// MaskedEmbedding is Embedding with a gradient for the masked entries alone.
func MaskedEmbedding(weight, ids *Tensor, m Mask) *Tensor {
	const op = "masked_embedding"
	return result(scopeOf(op, weight, ids), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.MaskedEmbedding(out, mode, weight.h(op), ids.h(op), m.Values.h(op), m.Index.h(op))
	})
}

// MaskedParameter is a bias or a norm's weight, as a tensor of scope s, whose
// gradient reaches the masked entries alone.
func MaskedParameter(s *Scope, parameter *Tensor, m Mask) *Tensor {
	const op = "masked_parameter"
	return result(s, func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.MaskedParameter(out, mode, parameter.h(op), m.Values.h(op), m.Index.h(op))
	})
}

// MaskedGradient is the entries at index (int64 [k], flat, ascending) of
// dy^T x, for dy [tokens, out] and x [tokens, in]: float64 when dy is, else
// float32. The order of its sums does not depend on the number of threads.
func MaskedGradient(dy, x, index *Tensor) *Tensor {
	const op = "masked_gradient"
	return result(scopeOf(op, dy, x, index), func(out *ctorch.Handle, _ ctorch.Mode) error {
		return ctorch.MaskedGradient(out, dy.h(op), x.h(op), index.h(op))
	})
}

// Take copies the entries of t at flat positions (int64 [k]).
func (t *Tensor) Take(index *Tensor) *Tensor {
	return result(scopeOf("take", t, index), func(out *ctorch.Handle, _ ctorch.Mode) error {
		return ctorch.Take(out, t.h("take"), index.h("take"))
	})
}

// Put writes values [k] to the flat positions index (int64 [k], distinct) of
// the contiguous t, in its own dtype.
func (t *Tensor) Put(index, values *Tensor) {
	must(ctorch.Put(t.h("put_"), index.h("put_"), values.h("put_")))
}
