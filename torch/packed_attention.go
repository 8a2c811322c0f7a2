package torch

import (
	"math"

	"github.com/gopet-ml/gopet/torch/internal/ctorch"
)

// PackedAttentionOptions are the optional parts of attention over a packed batch.
type PackedAttentionOptions struct {
	Scale float64 // of the scores; 0 means 1/sqrt(dim)
	// Bias [distances, heads], float32, is added to the scores by distance: a key at
	// position j gets Bias[j-i+BiasOffset, head] for a query at position i. nil for none.
	// Positions count from the start of each sequence.
	Bias       *Tensor
	BiasOffset int64
	Causal     bool    // a query at position i looks at no key after position i
	Dropout    float64 // probability of dropping an attention weight, drawn as Tensor.Dropout draws
}

// PackedAttention is attention within the sequences of a packed batch, which
// lie one after another without padding. q is [queries, heads, dim], k and v
// are [keys, heads, dim], of one dtype. Sequence i's queries are rows
// queryOffsets[i] to queryOffsets[i+1] of q, its keys rows keyOffsets[i] to
// keyOffsets[i+1] of k and v, one at least. The result is [queries, heads*dim].
func PackedAttention(q, k, v *Tensor, queryOffsets, keyOffsets []int64, o PackedAttentionOptions) *Tensor {
	const op = "packed_attention"
	return result(scopeOf(op, q, k, v, o.Bias), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.PackedAttention(out, mode, q.h(op), k.h(op), v.h(op), queryOffsets, keyOffsets, o.with(op, q))
	})
}

// PackedSelfAttention is PackedAttention of a batch to itself: qkv [tokens, 3,
// heads, dim] holds queries, keys and values, and gets its gradient in one piece.
func PackedSelfAttention(qkv *Tensor, offsets []int64, o PackedAttentionOptions) *Tensor {
	const op = "packed_attention"
	return result(scopeOf(op, qkv, o.Bias), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.PackedSelfAttention(out, mode, qkv.h(op), offsets, o.with(op, qkv))
	})
}

// with fills in what depends on the operand whose last dimension is that of a head.
func (o PackedAttentionOptions) with(op string, t *Tensor) ctorch.AttentionOptions {
	scale := o.Scale
	if scale == 0 {
		scale = 1 / math.Sqrt(float64(t.Dim(-1)))
	}
	return ctorch.AttentionOptions{Scale: scale, Bias: optional(op, o.Bias), BiasOffset: o.BiasOffset, Causal: o.Causal, Dropout: o.Dropout}
}
