package bert

import (
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// layer is transformers' BertLayer: self-attention and a feed-forward block,
// each followed by the residual and a LayerNorm.
type layer struct {
	attention            *nn.SelfAttention
	attentionOutput      *nn.Linear
	attentionNorm        *nn.LayerNorm
	intermediate, output *nn.Linear
	outputNorm           *nn.LayerNorm
	activation           func(*torch.Tensor) *torch.Tensor
	dropout              nn.Dropout // before each residual
}

func newLayer(path nn.Path, c Config) *layer {
	self, attentionOutput := path.Sub("attention").Sub("self"), path.Sub("attention").Sub("output")
	output := path.Sub("output")
	return &layer{
		attention: &nn.SelfAttention{
			Query:   nn.NewLinear(self.Sub("query"), c.HiddenSize, c.HiddenSize, true, nn.AttentionQuery),
			Key:     nn.NewLinear(self.Sub("key"), c.HiddenSize, c.HiddenSize, true, nn.AttentionKey),
			Value:   nn.NewLinear(self.Sub("value"), c.HiddenSize, c.HiddenSize, true, nn.AttentionValue),
			Heads:   c.Heads,
			Dropout: nn.Dropout{P: c.AttentionDropout},
		},
		attentionOutput: nn.NewLinear(attentionOutput.Sub("dense"), c.HiddenSize, c.HiddenSize, true, nn.AttentionOutput),
		attentionNorm:   nn.NewLayerNorm(attentionOutput.Sub("LayerNorm"), c.HiddenSize, c.LayerNormEps),
		intermediate:    nn.NewLinear(path.Sub("intermediate").Sub("dense"), c.HiddenSize, c.IntermediateSize, true, nn.FeedForward),
		output:          nn.NewLinear(output.Sub("dense"), c.IntermediateSize, c.HiddenSize, true, nn.FeedForward),
		outputNorm:      nn.NewLayerNorm(output.Sub("LayerNorm"), c.HiddenSize, c.LayerNormEps),
		activation:      activations[c.HiddenAct],
		dropout:         nn.Dropout{P: c.HiddenDropout},
	}
}

// forward keeps the shape [rows, length, dim] of x; mask is SelfAttention's.
func (l *layer) forward(x, mask *torch.Tensor, train bool) *torch.Tensor {
	attended := l.attentionOutput.Forward(l.attention.Forward(x, mask, train))
	x = l.attentionNorm.Forward(l.dropout.Forward(attended, train).Add(x))
	fed := l.output.Forward(l.activation(l.intermediate.Forward(x)))
	return l.outputNorm.Forward(l.dropout.Forward(fed, train).Add(x))
}
