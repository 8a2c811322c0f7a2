package t5

import (
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// block is transformers' T5Block.
type block struct {
	self        *attention
	cross       *attention // nil in the encoder
	feedForward *feedForward
}

// stack is transformers' T5Stack, the encoder or the decoder, without the
// embedding table.
type stack struct {
	blocks  []*block
	bias    *positionBias // one for all blocks
	norm    *nn.LayerNorm
	dropout nn.Dropout // of the input and of the output
	prompt  *nn.SoftPrompt
}

func newStack(path nn.Path, c Config, shared *nn.Embedding, layers int64, decoder bool) *stack {
	s := &stack{
		dropout: nn.Dropout{P: c.Dropout},
		prompt:  nn.NewSoftPrompt(path, shared, c.ModelDim),
	}
	for i := range int(layers) {
		layer := path.Sub("block").Index(i).Sub("layer")
		b := &block{}
		var bias *positionBias
		if b.self, bias = newSelfAttention(layer.Index(0), c, i == 0, decoder); bias != nil {
			s.bias = bias
		}
		last := 1
		if decoder {
			b.cross = newCrossAttention(layer.Index(1), c)
			last = 2
		}
		b.feedForward = newFeedForward(layer.Index(last), c)
		s.blocks = append(s.blocks, b)
	}
	s.norm = nn.NewRMSNorm(path.Sub("final_layer_norm"), c.ModelDim, c.LayerNormEps)
	return s
}

// embed puts the prompt before embedded tokens: the input of the first block.
func (s *stack) embed(tokens *torch.Tensor, train bool) *torch.Tensor {
	return s.dropout.Forward(s.prompt.Prepend(tokens), train)
}

// finish is what follows the last block.
func (s *stack) finish(x *torch.Tensor, train bool) *torch.Tensor {
	return s.dropout.Forward(s.norm.Forward(x), train)
}

// encode returns the last hidden state, [rows, length, dim], of what embed
// returned; mask is bool [rows, length], true for what may be seen, or nil.
func (s *stack) encode(x, mask *torch.Tensor, train bool) *torch.Tensor {
	bias := s.bias.forward(x, 0)
	if mask != nil {
		bias = bias.MaskedFill(everywhere(mask).LogicalNot(), invisible)
	}
	for _, b := range s.blocks {
		x, _ = b.self.self(x, pair{}, bias, train)
		x = b.feedForward.forward(x, train)
	}
	return s.finish(x, train)
}

// everywhere makes a mask of keys [rows, length] one for every head and query.
func everywhere(mask *torch.Tensor) *torch.Tensor { return mask.Unsqueeze(1).Unsqueeze(1) }

// source is the encoder's last hidden state, as the decoder looks at it.
type source struct {
	memory []pair        // of each block
	mask   *torch.Tensor // broadcast to the scores; nil where nothing is hidden
}

// look prepares a last hidden state [rows, length, dim] with its mask for
// decode.
func (s *stack) look(hidden, mask *torch.Tensor) source {
	var from source
	for _, b := range s.blocks {
		from.memory = append(from.memory, b.cross.memory(hidden))
	}
	if mask != nil {
		from.mask = everywhere(mask)
	}
	return from
}

// decode returns the last hidden state, [rows, length, dim], of x and what the
// blocks have seen with it; past is what they saw before x, nil for nothing.
func (s *stack) decode(x *torch.Tensor, from source, past []pair, train bool) (*torch.Tensor, []pair) {
	if past == nil {
		past = make([]pair, len(s.blocks))
	}
	seen := make([]pair, len(s.blocks))
	bias := s.bias.forward(x, past[0].length())
	for i, b := range s.blocks {
		x, seen[i] = b.self.self(x, past[i], bias, train)
		x = b.cross.cross(x, from.memory[i], from.mask, train)
		x = b.feedForward.forward(x, train)
	}
	return s.finish(x, train), seen
}

// length is the number of keys.
func (p pair) length() int64 {
	if p.keys == nil {
		return 0
	}
	return p.keys.Dim(2)
}

func (s *stack) setDropout(p float64) {
	s.dropout.P = p
	for _, b := range s.blocks {
		b.self.setDropout(p)
		if b.cross != nil {
			b.cross.setDropout(p)
		}
		b.feedForward.setDropout(p)
	}
}
