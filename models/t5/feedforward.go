package t5

import (
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// feedForward is transformers' T5LayerFF: a norm, two or, gated, three linear
// layers, and the residual.
type feedForward struct {
	norm       *nn.LayerNorm
	gate       *nn.Linear // wi_0; nil where there is no gate
	in, out    *nn.Linear // wi or wi_1, and wo
	activation func(*torch.Tensor) *torch.Tensor
	dropout    nn.Dropout // before out
	end        *nn.Sublayer
}

func newFeedForward(path nn.Path, c Config) *feedForward {
	f := &feedForward{dropout: nn.Dropout{P: c.Dropout}}
	f.activation, _ = nn.Activation(c.activation()) // the config is checked
	dense := path.Sub("DenseReluDense")
	in := "wi"
	if c.gated() {
		f.gate = nn.NewLinear(dense.Sub("wi_0"), c.ModelDim, c.InnerDim, false, nn.FeedForward)
		in = "wi_1"
	}
	f.in = nn.NewLinear(dense.Sub(in), c.ModelDim, c.InnerDim, false, nn.FeedForward)
	f.out = nn.NewLinear(dense.Sub("wo"), c.InnerDim, c.ModelDim, false, nn.FeedForward)
	f.norm = nn.NewRMSNorm(path.Sub("layer_norm"), c.ModelDim, c.LayerNormEps)
	f.end = nn.NewSublayer(path, nn.FeedForwardSublayer, c.ModelDim, nn.Dropout{P: c.Dropout}, nil)
	return f
}

// forward keeps the shape [rows, length, dim] of x.
func (f *feedForward) forward(x *torch.Tensor, train bool) *torch.Tensor {
	normed := f.norm.Forward(x)
	inner := f.in.Forward(normed)
	if f.gate == nil {
		inner = f.activation(inner)
	} else {
		inner = f.activation(f.gate.Forward(normed)).Mul(inner)
	}
	return f.end.Forward(f.out.Forward(f.dropout.Forward(inner, train)), x, train)
}

func (f *feedForward) setDropout(p float64) { f.dropout.P, f.end.Dropout.P = p, p }
