package t5

import (
	"github.com/gopet-ml/gopet/models"
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

// embed puts the prompt before embedded tokens [tokens, dim] of sequences of
// the given lengths: the input of the first block.
func (s *stack) embed(tokens *torch.Tensor, lengths []int64, train bool) *torch.Tensor {
	return s.dropout.Forward(s.prompt.Prepend(tokens, lengths), train)
}

// finish is what follows the last block.
func (s *stack) finish(x *torch.Tensor, train bool) *torch.Tensor {
	return s.dropout.Forward(s.norm.Forward(x), train)
}

// encode returns the last hidden state, [tokens, dim], of what embed returned
// for in, whose sequences begin at offsets.
func (s *stack) encode(x *torch.Tensor, offsets []int64, in models.Input) *torch.Tensor {
	bias := s.bias.byDistance(x, offsets)
	for _, b := range s.blocks {
		x = in.Checkpoints.Segment(func(inputs ...*torch.Tensor) *torch.Tensor {
			x := b.self.self(inputs[0], offsets, bias.With(inputs[1]), in.Train)
			return b.feedForward.forward(x, in.Train)
		}, x, bias.ByDistance)
	}
	return s.finish(x, in.Train)
}

// decode returns the last hidden state, [tokens, dim], of x, whose sequences
// begin at offsets and look at those of the encoder's last hidden state for in.
func (s *stack) decode(x *torch.Tensor, offsets []int64, hidden *torch.Tensor, sourceOffsets []int64, in models.Input) *torch.Tensor {
	bias := s.bias.byDistance(x, offsets)
	for _, b := range s.blocks {
		x = in.Checkpoints.Segment(func(inputs ...*torch.Tensor) *torch.Tensor {
			x := b.self.self(inputs[0], offsets, bias.With(inputs[1]), in.Train)
			x = b.cross.cross(x, offsets, inputs[2], sourceOffsets, in.Train)
			return b.feedForward.forward(x, in.Train)
		}, x, bias.ByDistance, hidden)
	}
	return s.finish(x, in.Train)
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
