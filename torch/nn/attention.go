package nn

import "github.com/gopet-ml/gopet/torch"

// Attention is multi-head attention, without the output projection.
type Attention struct {
	Query, Key, Value *Linear
	Heads             int64
	Scale             float64 // of the scores; 0 means 1/sqrt(dim of a head)
	Dropout           Dropout // of the attention weights
}

// PositionBias is what the distance of two tokens adds to their score, as in
// torch.PackedAttentionOptions; the zero PositionBias is none.
type PositionBias struct {
	ByDistance *torch.Tensor // [distances, heads]
	Offset     int64
	Causal     bool
}

// With is the bias with other values.
func (b PositionBias) With(byDistance *torch.Tensor) PositionBias {
	b.ByDistance = byDistance
	return b
}

// Forward lets each sequence of a packed batch x [tokens, dim], which begin at
// offsets, attend to itself: [tokens, Query.Out].
func (a *Attention) Forward(x *torch.Tensor, offsets []int64, bias PositionBias, train bool) *torch.Tensor {
	layers := terms(x, a.Query, a.Key, a.Value)
	if layers == nil {
		keys, values := a.Memory(x)
		return a.Attend(x, keys, values, offsets, offsets, bias, train)
	}
	qkv := torch.FusedLinear(x, torch.FusedLinearOptions{}, layers...).Reshape(x.Dim(0), 3, a.Heads, -1)
	return torch.PackedSelfAttention(qkv, offsets, a.options(bias, train))
}

// Memory returns the keys and the values of x [tokens, dim], each [tokens,
// heads, dim of a head].
func (a *Attention) Memory(x *torch.Tensor) (keys, values *torch.Tensor) {
	return a.heads(a.Key.Forward(x)), a.heads(a.Value.Forward(x))
}

// Attend lets the sequences of x [queries, dim] attend to what Memory returned
// for as many sequences, which begin at keyOffsets: [queries, Query.Out].
func (a *Attention) Attend(x, keys, values *torch.Tensor, offsets, keyOffsets []int64, bias PositionBias, train bool) *torch.Tensor {
	return torch.PackedAttention(a.heads(a.Query.Forward(x)), keys, values, offsets, keyOffsets, a.options(bias, train))
}

func (a *Attention) options(bias PositionBias, train bool) torch.PackedAttentionOptions {
	o := torch.PackedAttentionOptions{Scale: a.Scale, Bias: bias.ByDistance, BiasOffset: bias.Offset, Causal: bias.Causal}
	if train {
		o.Dropout = a.Dropout.P
	}
	return o
}

// heads turns [tokens, heads*dim] into [tokens, heads, dim].
func (a *Attention) heads(x *torch.Tensor) *torch.Tensor { return x.Reshape(x.Dim(0), a.Heads, -1) }

// AttendPadded is Attend for sequences of one length, which is how text is
// generated: x is [batch, queries, dim], keys and values are [batch, heads,
// length, dim], the result is [batch, queries, Query.Out]. Mask is broadcast to
// [batch, heads, queries, length], as in torch.AttentionOptions.
func (a *Attention) AttendPadded(x, keys, values, mask *torch.Tensor) *torch.Tensor {
	options := torch.AttentionOptions{Mask: mask, Scale: a.Scale}
	context := torch.ScaledDotProductAttention(a.split(a.Query.Forward(x)), keys, values, options)
	return context.Transpose(1, 2).Reshape(x.Dim(0), x.Dim(1), a.Query.Out)
}

// MemoryPadded is Memory for AttendPadded.
func (a *Attention) MemoryPadded(x *torch.Tensor) (keys, values *torch.Tensor) {
	return a.split(a.Key.Forward(x)), a.split(a.Value.Forward(x))
}

// split turns [batch, length, heads*dim] into [batch, heads, length, dim].
func (a *Attention) split(x *torch.Tensor) *torch.Tensor {
	shape := x.Shape()
	return x.Reshape(shape[0], shape[1], a.Heads, -1).Transpose(1, 2)
}
