package nn

import "github.com/gopet-ml/gopet/torch"

// SelfAttention is multi-head attention of a sequence to itself, without the
// output projection.
type SelfAttention struct {
	Query, Key, Value *Linear
	Heads             int64
	Dropout           Dropout
}

// Forward maps x [batch, length, dim] to the same shape. Mask is broadcast to
// [batch, heads, length, length]; nil lets every token look everywhere.
func (a *SelfAttention) Forward(x, mask *torch.Tensor, train bool) *torch.Tensor {
	shape := x.Shape()
	options := torch.AttentionOptions{Mask: mask}
	if train {
		options.Dropout = a.Dropout.P
	}
	context := torch.ScaledDotProductAttention(
		a.split(a.Query.Forward(x)), a.split(a.Key.Forward(x)), a.split(a.Value.Forward(x)), options)
	return context.Transpose(1, 2).Reshape(shape[0], shape[1], a.Query.Out)
}

// split turns [batch, length, heads*dim] into [batch, heads, length, dim].
func (a *SelfAttention) split(x *torch.Tensor) *torch.Tensor {
	shape := x.Shape()
	return x.Reshape(shape[0], shape[1], a.Heads, -1).Transpose(1, 2)
}
