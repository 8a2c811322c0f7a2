package nn

import "github.com/gopet-ml/gopet/torch"

// Attention is multi-head attention, without the output projection.
type Attention struct {
	Query, Key, Value *Linear
	Heads             int64
	Scale             float64 // of the scores; 0 means 1/sqrt(dim of a head)
	Dropout           Dropout // of the attention weights
}

// Forward lets x [batch, length, dim] attend to itself: [batch, length,
// Query.Out]. Mask is broadcast to [batch, heads, length, length], a bool or a
// float as in torch.AttentionOptions; nil lets every token look everywhere.
func (a *Attention) Forward(x, mask *torch.Tensor, train bool) *torch.Tensor {
	keys, values := a.Memory(x)
	return a.Attend(x, keys, values, mask, train)
}

// Memory returns the keys and the values of x [batch, length, dim], each
// [batch, heads, length, dim of a head].
func (a *Attention) Memory(x *torch.Tensor) (keys, values *torch.Tensor) {
	return a.split(a.Key.Forward(x)), a.split(a.Value.Forward(x))
}

// Attend lets x [batch, queries, dim] attend to what Memory returned for a
// sequence: [batch, queries, Query.Out]. Mask is broadcast to [batch, heads,
// queries, length].
func (a *Attention) Attend(x, keys, values, mask *torch.Tensor, train bool) *torch.Tensor {
	options := torch.AttentionOptions{Mask: mask, Scale: a.Scale}
	if train {
		options.Dropout = a.Dropout.P
	}
	context := torch.ScaledDotProductAttention(a.split(a.Query.Forward(x)), keys, values, options)
	return context.Transpose(1, 2).Reshape(x.Dim(0), x.Dim(1), a.Query.Out)
}

// split turns [batch, length, heads*dim] into [batch, heads, length, dim].
func (a *Attention) split(x *torch.Tensor) *torch.Tensor {
	shape := x.Shape()
	return x.Reshape(shape[0], shape[1], a.Heads, -1).Transpose(1, 2)
}
