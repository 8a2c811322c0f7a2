package nn

import "github.com/gopet-ml/gopet/torch"

// Dense is the layers of a block behind its attention or norm: one linear
// layer, or an activation between two of them. It declares nothing.
type Dense struct {
	Gate       *Linear // act(gate(x)) scales in(x); nil for none, which is act(in(x))
	In         *Linear
	Activation torch.Activation
	Dropout    Dropout // before Out
	Out        *Linear // nil where In is all, without an activation
}

// Forward maps x [..., in] to the last layer's [..., out].
func (d *Dense) Forward(x *torch.Tensor, train bool) *torch.Tensor {
	if y, ok := d.fused(x, torch.FusedLinearOptions{}, train); ok {
		return y
	}
	y := d.In.Forward(x)
	if d.Out == nil {
		return y
	}
	if d.Gate == nil {
		y = d.Activation.Apply(y)
	} else {
		y = d.Activation.Apply(d.Gate.Forward(x)).Mul(y)
	}
	return d.Out.Forward(d.Dropout.Forward(y, train))
}

// fused computes all layers and what the options add in one pass, if nothing
// stands between them: an override, or dropout.
func (d *Dense) fused(x *torch.Tensor, o torch.FusedLinearOptions, train bool) (*torch.Tensor, bool) {
	layers := []*Linear{d.In}
	if d.Gate != nil {
		layers, o.Gated = []*Linear{d.Gate, d.In}, true
	}
	first := terms(x, layers...)
	if first == nil || d.Dropout.on(train) {
		return nil, false
	}
	if d.Out != nil {
		second := terms(x, d.Out)
		if second == nil {
			return nil, false
		}
		o.Activation, o.Second = d.Activation, &second[0]
	}
	return torch.FusedLinear(x, o, first...), true
}
