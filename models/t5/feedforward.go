package t5

import (
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// feedForward is transformers' T5LayerFF: a norm, two or, gated, three linear
// layers, and the residual.
type feedForward struct {
	norm   *nn.LayerNorm
	layers *nn.Dense // wi_0, if there is a gate; wi or wi_1; wo
	end    *nn.Sublayer
}

func newFeedForward(path nn.Path, c Config) *feedForward {
	dense := path.Sub("DenseReluDense")
	d := &nn.Dense{Dropout: nn.Dropout{P: c.Dropout}}
	d.Activation, _ = nn.Activation(c.activation()) // the config is checked
	in := "wi"
	if c.gated() {
		d.Gate = nn.NewLinear(dense.Sub("wi_0"), c.ModelDim, c.InnerDim, false, nn.FeedForward)
		in = "wi_1"
	}
	d.In = nn.NewLinear(dense.Sub(in), c.ModelDim, c.InnerDim, false, nn.FeedForward)
	d.Out = nn.NewLinear(dense.Sub("wo"), c.InnerDim, c.ModelDim, false, nn.FeedForward)
	return &feedForward{
		norm:   nn.NewRMSNorm(path.Sub("layer_norm"), c.ModelDim, c.LayerNormEps),
		layers: d,
		end:    nn.NewSublayer(path, nn.FeedForwardSublayer, c.ModelDim, nn.Dropout{P: c.Dropout}, nil),
	}
}

// forward keeps the shape [..., dim] of x.
func (f *feedForward) forward(x *torch.Tensor, train bool) *torch.Tensor {
	return f.end.Forward(f.layers, f.norm.Forward(x), x, train)
}

func (f *feedForward) setDropout(p float64) { f.layers.Dropout.P, f.end.Dropout.P = p, p }
