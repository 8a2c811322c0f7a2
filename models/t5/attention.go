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
	output    *nn.Linear
	end       *nn.Sublayer
}

// pair is the keys and the values that attention looks at, each [rows, heads,
// length, d_kv].
type pair struct{ keys, values *torch.Tensor }

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
	a.output = nn.NewLinear(path.Sub("o"), inner, c.ModelDim, false, output)
}

func (a *attention) finish(path nn.Path, c Config, role nn.SublayerRole) {
	a.norm = nn.NewRMSNorm(path.Sub("layer_norm"), c.ModelDim, c.LayerNormEps)
	a.end = nn.NewSublayer(path, role, c.ModelDim, nn.Dropout{P: c.Dropout}, nil)
}

// self lets x [rows, length, dim] attend to past and to itself, and returns
// the keys and values of both. The bias is broadcast to the scores.
func (a *attention) self(x *torch.Tensor, past pair, bias *torch.Tensor, train bool) (*torch.Tensor, pair) {
	normed := a.norm.Forward(x)
	var seen pair
	seen.keys, seen.values = a.attention.Memory(normed)
	if past.keys != nil {
		seen = pair{torch.Cat(2, past.keys, seen.keys), torch.Cat(2, past.values, seen.values)}
	}
	attended := a.attention.Attend(normed, seen.keys, seen.values, bias, train)
	return a.end.Forward(a.output.Forward(attended), x, train), seen
}

// memory returns the keys and values of the encoder's last hidden state.
func (a *attention) memory(hidden *torch.Tensor) pair {
	keys, values := a.attention.Memory(hidden)
	return pair{keys, values}
}

// cross lets x attend to memory. Where x has n rows for each of memory's, these
// n look at it as if they were one, which spares n copies.
func (a *attention) cross(x *torch.Tensor, memory pair, mask *torch.Tensor, train bool) *torch.Tensor {
	shape := x.Shape()
	normed := a.norm.Forward(x).Reshape(memory.keys.Dim(0), -1, shape[2])
	attended := a.attention.Attend(normed, memory.keys, memory.values, mask, train)
	return a.end.Forward(a.output.Forward(attended).Reshape(shape...), x, train)
}

func (a *attention) setDropout(p float64) { a.attention.Dropout.P, a.end.Dropout.P = p, p }
