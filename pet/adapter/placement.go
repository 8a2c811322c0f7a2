package adapter

import (
	"maps"
	"slices"

	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// Where bottlenecks stand, and what they read. A block's output joins the
// stream in a sum, which BERT then normalises and T5 does not.
const (
	// Paper reads and changes what self-attention and the feed-forward layers
	// leave in the stream: behind BERT's norm, behind T5's sum. OpenDelta puts
	// bottlenecks there, and so does the paper's code.
	Paper = "paper"
	// Houlsby reads and changes the output of self-attention and of the
	// feed-forward layers before it joins the stream (Houlsby et al., 2019;
	// "double_seq_bn" of the package adapters).
	Houlsby = "houlsby"
	// Pfeiffer reads what the feed-forward layers leave in the stream, as Paper
	// does, adds to their output, and joins that with the stream instead
	// (Pfeiffer et al., 2020, arXiv 2005.00247; "seq_bn" of the package
	// adapters).
	Pfeiffer = "pfeiffer"
)

// join computes what a sublayer's override does: [..., dim] of both.
type join func(output, stream *torch.Tensor) *torch.Tensor

type placement struct {
	roles []nn.SublayerRole
	join  func(s *nn.Sublayer, b bottleneck) join
}

var both = []nn.SublayerRole{nn.SelfAttentionSublayer, nn.FeedForwardSublayer}

var placements = map[string]placement{
	Paper: {both, func(s *nn.Sublayer, b bottleneck) join {
		return func(output, stream *torch.Tensor) *torch.Tensor {
			x := s.Join(output, stream)
			return b.around(x, x)
		}
	}},
	Houlsby: {both, func(s *nn.Sublayer, b bottleneck) join {
		return func(output, stream *torch.Tensor) *torch.Tensor {
			return s.Join(b.around(output, output), stream)
		}
	}},
	Pfeiffer: {[]nn.SublayerRole{nn.FeedForwardSublayer}, func(s *nn.Sublayer, b bottleneck) join {
		return func(output, stream *torch.Tensor) *torch.Tensor {
			return s.Join(b.around(s.Join(output, stream), output), stream)
		}
	}},
}

// Placements lists the names of the places that bottlenecks may have.
func Placements() []string { return slices.Sorted(maps.Keys(placements)) }
