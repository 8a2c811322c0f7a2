package bert

import (
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// layer is transformers' BertLayer: self-attention and a feed-forward block,
// each followed by the residual and a LayerNorm.
type layer struct {
	attention       *nn.Attention
	attentionOutput *nn.Dense
	attentionEnd    *nn.Sublayer
	feedForward     *nn.Dense
	outputEnd       *nn.Sublayer
}

func newLayer(path nn.Path, c Config) *layer {
	self, attentionOutput := path.Sub("attention").Sub("self"), path.Sub("attention").Sub("output")
	output := path.Sub("output")
	dropout := nn.Dropout{P: c.HiddenDropout}
	l := &layer{
		attention: &nn.Attention{
			Query:   nn.NewLinear(self.Sub("query"), c.HiddenSize, c.HiddenSize, true, nn.AttentionQuery),
			Key:     nn.NewLinear(self.Sub("key"), c.HiddenSize, c.HiddenSize, true, nn.AttentionKey),
			Value:   nn.NewLinear(self.Sub("value"), c.HiddenSize, c.HiddenSize, true, nn.AttentionValue),
			Heads:   c.Heads,
			Dropout: nn.Dropout{P: c.AttentionDropout},
		},
	}
	l.attentionOutput = &nn.Dense{In: nn.NewLinear(attentionOutput.Sub("dense"), c.HiddenSize, c.HiddenSize, true, nn.AttentionOutput)}
	l.attentionEnd = nn.NewSublayer(attentionOutput, nn.SelfAttentionSublayer, c.HiddenSize, dropout,
		nn.NewLayerNorm(attentionOutput.Sub("LayerNorm"), c.HiddenSize, c.LayerNormEps))
	activation, _ := nn.Activation(c.HiddenAct) // the config is checked
	l.feedForward = &nn.Dense{
		In:         nn.NewLinear(path.Sub("intermediate").Sub("dense"), c.HiddenSize, c.IntermediateSize, true, nn.FeedForward),
		Activation: activation,
		Out:        nn.NewLinear(output.Sub("dense"), c.IntermediateSize, c.HiddenSize, true, nn.FeedForward),
	}
	l.outputEnd = nn.NewSublayer(output, nn.FeedForwardSublayer, c.HiddenSize, dropout,
		nn.NewLayerNorm(output.Sub("LayerNorm"), c.HiddenSize, c.LayerNormEps))
	return l
}

// forward keeps the shape [tokens, dim] of x, whose sequences begin at offsets.
func (l *layer) forward(x *torch.Tensor, offsets []int64, train bool) *torch.Tensor {
	attended := l.attention.Forward(x, offsets, nn.PositionBias{}, train)
	x = l.attentionEnd.Forward(l.attentionOutput, attended, x, train)
	return l.outputEnd.Forward(l.feedForward, x, x, train)
}
