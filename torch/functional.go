package torch

import (
	"math"

	"github.com/gopet-ml/gopet/torch/internal/ctorch"
)

// Linear is x W^T + b over the last dimension: x [..., in], weight [out, in],
// bias [out] or nil, result [..., out].
func Linear(x, weight, bias *Tensor) *Tensor {
	return result(scopeOf("linear", x, weight, bias), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.Linear(out, mode, x.h("linear"), weight.h("linear"), optional("linear", bias))
	})
}

// Embedding looks up rows of weight [n, dim] by ids (int64, any shape).
func Embedding(weight, ids *Tensor) *Tensor {
	return result(scopeOf("embedding", weight, ids), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.Embedding(out, mode, weight.h("embedding"), ids.h("embedding"))
	})
}

// Dropout zeroes elements with probability p and scales the rest by 1/(1-p).
// It draws from the generator that ManualSeed seeds.
func (t *Tensor) Dropout(p float64) *Tensor { return t.scalar("dropout", ctorch.Dropout, p) }

// AttentionOptions are the optional parts of scaled dot product attention.
type AttentionOptions struct {
	// Mask is broadcast to [batch, heads, queries, keys]: a bool that is true
	// where a query may look, or a float added to the scores; nil for none.
	Mask    *Tensor
	Dropout float64 // probability of dropping an attention weight
	Causal  bool    // a query looks at no later key
	Scale   float64 // of the scores; 0 means 1/sqrt(dim)
}

// ScaledDotProductAttention is softmax(q k^T * scale + mask) v, of q
// [batch, heads, queries, dim], k and v [batch, heads, keys, dim].
func ScaledDotProductAttention(q, k, v *Tensor, o AttentionOptions) *Tensor {
	const op = "scaled_dot_product_attention"
	scale := o.Scale
	if scale == 0 {
		scale = 1 / math.Sqrt(float64(q.Dim(-1)))
	}
	return result(scopeOf(op, q, k, v, o.Mask), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.Attention(out, mode, q.h(op), k.h(op), v.h(op), optional(op, o.Mask), o.Dropout, o.Causal, scale)
	})
}

// Reduction says what a loss over rows becomes.
type Reduction int32

// The reductions of CrossEntropy.
const (
	ReduceNone Reduction = 0 // one loss a row
	ReduceMean Reduction = 1 // their mean, weighted by class where weights are given
	ReduceSum  Reduction = 2 // their sum
)

// CrossEntropy is the negative log-likelihood of targets (int64 [rows]) under
// softmax(logits [rows, classes]); classWeights [classes] may be nil.
func CrossEntropy(logits, targets, classWeights *Tensor, reduction Reduction) *Tensor {
	const op = "cross_entropy"
	return result(scopeOf(op, logits, targets, classWeights), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.CrossEntropy(out, mode, logits.h(op), targets.h(op), optional(op, classWeights), int32(reduction))
	})
}
