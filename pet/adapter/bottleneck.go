package adapter

import (
	"maps"
	"slices"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// bottleneck is W_up f(W_down h + b_down) + b_up, without the residual.
type bottleneck struct {
	down, downBias, up, upBias pet.Leaf
	activation                 func(*torch.Tensor) *torch.Tensor
}

func (b bottleneck) forward(h *torch.Tensor) *torch.Tensor {
	narrow := b.activation(torch.Linear(h, b.down.As(h), b.downBias.As(h)))
	return torch.Linear(narrow, b.up.As(h), b.upBias.As(h))
}

// activations are those that a bottleneck may have, under Hugging Face's names.
var activations = map[string]func(*torch.Tensor) *torch.Tensor{
	"gelu_new": (*torch.Tensor).GELUTanh,
	"gelu":     (*torch.Tensor).GELU,
	"relu":     (*torch.Tensor).ReLU,
	"silu":     (*torch.Tensor).SiLU,
	"swish":    (*torch.Tensor).SiLU,
	"tanh":     (*torch.Tensor).Tanh,
}

// Activations lists the names of the activations that a bottleneck may have.
func Activations() []string { return slices.Sorted(maps.Keys(activations)) }

// Where bottlenecks stand.
const (
	// Paper reads and changes the stream behind self-attention and behind the
	// feed-forward layers, as OpenDelta does: x + bottleneck(x).
	Paper = "paper"
	// Houlsby changes what self-attention and the feed-forward layers give to
	// the stream (Houlsby et al., 2019; "double_seq_bn" of package adapters).
	Houlsby = "houlsby"
	// Pfeiffer changes what the feed-forward layers give to the stream, by
	// what the stream would be (Pfeiffer et al., 2020, arXiv 2005.00247;
	// "seq_bn" of package adapters).
	Pfeiffer = "pfeiffer"
)

type placement struct {
	roles []nn.SublayerRole
	join  func(s *nn.Sublayer, b bottleneck, output, stream *torch.Tensor) *torch.Tensor
}

var placements = map[string]placement{
	Paper: {
		roles: []nn.SublayerRole{nn.SelfAttentionSublayer, nn.FeedForwardSublayer},
		join: func(s *nn.Sublayer, b bottleneck, output, stream *torch.Tensor) *torch.Tensor {
			x := s.Join(output, stream)
			return x.Add(b.forward(x))
		},
	},
	Houlsby: {
		roles: []nn.SublayerRole{nn.SelfAttentionSublayer, nn.FeedForwardSublayer},
		join: func(s *nn.Sublayer, b bottleneck, output, stream *torch.Tensor) *torch.Tensor {
			return s.Join(output.Add(b.forward(output)), stream)
		},
	},
	Pfeiffer: {
		roles: []nn.SublayerRole{nn.FeedForwardSublayer},
		join: func(s *nn.Sublayer, b bottleneck, output, stream *torch.Tensor) *torch.Tensor {
			return s.Join(output.Add(b.forward(s.Join(output, stream))), stream)
		},
	},
}

// Placements lists the names of the places that bottlenecks may have.
func Placements() []string { return slices.Sorted(maps.Keys(placements)) }
