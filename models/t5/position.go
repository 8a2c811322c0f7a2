package t5

import (
	"math"

	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// invisible is added to the score of a key that a query must not see. It is
// finite, so that a row of nothing but padding computes to numbers.
const invisible = -3e38

// positionBias is what the distance of two tokens adds to the scores of
// self-attention. Distances fall into buckets: near ones have one each, far
// ones share buckets that grow with the distance.
type positionBias struct {
	table       *nn.Embedding // [buckets, heads]
	causal      bool          // keys after the query are hidden
	buckets     int64
	maxDistance int64 // from here on all distances are in the last bucket
}

func newPositionBias(path nn.Path, c Config, causal bool) *positionBias {
	return &positionBias{
		table:       nn.NewEmbedding(path.Sub("relative_attention_bias"), c.Buckets, c.Heads),
		causal:      causal,
		buckets:     c.Buckets,
		maxDistance: c.MaxDistance,
	}
}

// byDistance is the bias for packed sequences that begin at offsets, in x's
// scope.
func (p *positionBias) byDistance(x *torch.Tensor, offsets []int64) nn.PositionBias {
	longest := int64(1)
	for i := range offsets[1:] {
		longest = max(longest, offsets[i+1]-offsets[i])
	}
	buckets := make([]int64, 2*longest-1)
	for i := range buckets {
		buckets[i] = p.bucket(int64(i) + 1 - longest)
	}
	ids := torch.FromSlice(x.Scope(), buckets, int64(len(buckets))).ToDevice(x.Device())
	return nn.PositionBias{ByDistance: p.table.Forward(ids).AtLeastFloat32(), Offset: longest - 1, Causal: p.causal}
}

// forward returns the bias [1, heads, queries, keys] for queries x [rows,
// queries, dim], which come after the past keys and are keys too.
func (p *positionBias) forward(x *torch.Tensor, past int64) *torch.Tensor {
	s, device, queries := x.Scope(), x.Device(), x.Dim(1)
	keys := past + queries
	bucketOf := make([]int64, queries+keys-1) // by distance, from 1-keys on
	for i := range bucketOf {
		bucketOf[i] = p.bucket(int64(i) + 1 - keys)
	}
	buckets := make([]int64, 0, queries*keys)
	for query := keys - queries; query < keys; query++ {
		buckets = append(buckets, bucketOf[keys-1-query:2*keys-1-query]...)
	}
	ids := torch.FromSlice(s, buckets, queries, keys).ToDevice(device)
	bias := p.table.Forward(ids).ToDType(x.DType()).Permute(2, 0, 1).Unsqueeze(0)
	if !p.causal || queries == 1 {
		return bias
	}
	return bias.MaskedFill(future(s, queries, keys).ToDevice(device), invisible)
}

// future is true, bool [queries, keys], where the key comes after the query.
func future(s *torch.Scope, queries, keys int64) *torch.Tensor {
	after := make([]bool, queries*keys)
	for query := range queries {
		for key := keys - queries + query + 1; key < keys; key++ {
			after[query*keys+key] = true
		}
	}
	return torch.FromSlice(s, after, queries, keys)
}

// bucket is that of a key's position less the query's. The arithmetic is
// PyTorch's, in float32: buckets begin at whole results.
func (p *positionBias) bucket(distance int64) int64 {
	first, buckets := int64(0), p.buckets
	if p.causal {
		distance = max(0, -distance)
	} else {
		buckets /= 2
		if distance > 0 {
			first = buckets
		}
		distance = max(distance, -distance)
	}
	exact := buckets / 2
	if distance < exact {
		return first + distance
	}
	ratio := float32(distance) / float32(exact)
	far := float32(math.Log(float64(ratio))) / float32(math.Log(float64(p.maxDistance)/float64(exact)))
	return first + min(buckets-1, exact+int64(far*float32(buckets-exact)))
}
