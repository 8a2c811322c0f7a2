package t5

import (
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// attention is transformers' T5LayerSelfAttention or T5LayerCrossAttention: a
// norm, attention, and the residual.
type attention struct {
	norm      *nn.LayerNorm
	attention *nn.Attention
	output    *nn.Dense
	end       *nn.Sublayer
}

// newSelfAttention declares the self-attention of a block; the first block of
// a stack has the position bias of all.
func newSelfAttention(path nn.Path, c Config, first, causal bool) (*attention, *positionBias) {
	a := &attention{}
	self := path.Sub("SelfAttention")
	a.declare(self, c, nn.AttentionQuery, nn.AttentionKey, nn.AttentionValue, nn.AttentionOutput)
	var bias *positionBias
	if first {
		bias = newPositionBias(self, c, causal)
	}
	a.finish(path, c, nn.SelfAttentionSublayer)
	return a, bias
}

// newCrossAttention declares the attention of a decoder's block to the
// encoder's last hidden state.
func newCrossAttention(path nn.Path, c Config) *attention {
	a := &attention{}
	a.declare(path.Sub("EncDecAttention"), c, nn.CrossAttention, nn.CrossAttention, nn.CrossAttention, nn.CrossAttention)
	a.finish(path, c, nn.CrossAttentionSublayer)
	return a
}

func (a *attention) declare(path nn.Path, c Config, query, key, value, output nn.Role) {
	inner := c.Heads * c.HeadDim
	a.attention = &nn.Attention{
		Query:   nn.NewLinear(path.Sub("q"), c.ModelDim, inner, false, query),
		Key:     nn.NewLinear(path.Sub("k"), c.ModelDim, inner, false, key),
		Value:   nn.NewLinear(path.Sub("v"), c.ModelDim, inner, false, value),
		Heads:   c.Heads,
		Scale:   1, // T5 scales the weights it begins with instead
		Dropout: nn.Dropout{P: c.Dropout},
	}
	a.output = &nn.Dense{In: nn.NewLinear(path.Sub("o"), inner, c.ModelDim, false, output)}
}

func (a *attention) finish(path nn.Path, c Config, role nn.SublayerRole) {
	a.norm = nn.NewRMSNorm(path.Sub("layer_norm"), c.ModelDim, c.LayerNormEps)
	a.end = nn.NewSublayer(path, role, c.ModelDim, nn.Dropout{P: c.Dropout}, nil)
}

// self lets the sequences of x [tokens, dim], which begin at offsets, attend
// each to itself.
func (a *attention) self(x *torch.Tensor, offsets []int64, bias nn.PositionBias, train bool) *torch.Tensor {
	attended := a.attention.Forward(a.norm.Forward(x), offsets, bias, train)
	return a.end.Forward(a.output, attended, x, train)
}

// cross lets the sequences of x attend to those of the encoder's last hidden
// state.
func (a *attention) cross(x *torch.Tensor, offsets []int64, hidden *torch.Tensor, sourceOffsets []int64, train bool) *torch.Tensor {
	keys, values := a.attention.Memory(hidden)
	attended := a.attention.Attend(a.norm.Forward(x), keys, values, offsets, sourceOffsets, nn.PositionBias{}, train)
	return a.end.Forward(a.output, attended, x, train)
}

func (a *attention) setDropout(p float64) { a.attention.Dropout.P, a.end.Dropout.P = p, p }
