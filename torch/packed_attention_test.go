package torch_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
)

// attentionCase is a packed batch: the lengths of its sequences, and how they attend.
type attentionCase struct {
	name          string
	heads, dim    int64
	queries, keys []int64 // keys nil: self-attention
	options       torch.PackedAttentionOptions
	bias          bool
}

// attentionCases reach every way of the kernel: whole and cut vectors of keys and dimensions, whole
// and cut blocks of queries, one key, many.
var attentionCases = []attentionCase{
	{name: "one token", heads: 1, dim: 8, queries: []int64{1}},
	{name: "short sequences", heads: 3, dim: 20, queries: []int64{2, 17, 1, 5, 31}},
	{name: "MiniLM", heads: 12, dim: 32, queries: []int64{17, 129, 60}},
	{name: "base", heads: 2, dim: 64, queries: []int64{129, 128, 2}},
	{name: "wide heads", heads: 2, dim: 80, queries: []int64{33, 16}},
	{name: "long", heads: 2, dim: 20, queries: []int64{1000, 3}},
	{name: "scaled", heads: 2, dim: 8, queries: []int64{7, 20}, options: torch.PackedAttentionOptions{Scale: 1.3}},
	{name: "causal", heads: 3, dim: 32, queries: []int64{1, 17, 129, 64}, options: torch.PackedAttentionOptions{Causal: true}},
	{name: "bias", heads: 3, dim: 32, queries: []int64{1, 17, 129}, bias: true},
	{name: "causal bias", heads: 5, dim: 64, queries: []int64{2, 33, 100}, bias: true, options: torch.PackedAttentionOptions{Causal: true, Scale: 1}},
	{name: "long causal bias", heads: 1, dim: 8, queries: []int64{700}, bias: true, options: torch.PackedAttentionOptions{Causal: true}},
	{name: "cross", heads: 4, dim: 64, queries: []int64{5, 1, 70, 16}, keys: []int64{100, 17, 1, 129}},
	{name: "cross with bias", heads: 2, dim: 20, queries: []int64{40, 3}, keys: []int64{9, 50}, bias: true},
	{name: "causal cross", heads: 2, dim: 32, queries: []int64{40, 3}, keys: []int64{9, 50}, options: torch.PackedAttentionOptions{Causal: true}},
	{name: "no queries", heads: 2, dim: 8, queries: []int64{3, 0, 2}, keys: []int64{4, 5, 6}},
}

func offsets(lengths []int64) []int64 {
	sums := make([]int64, len(lengths)+1)
	for i, n := range lengths {
		sums[i+1] = sums[i] + n
	}
	return sums
}

func longest(lengths []int64) int64 {
	longest := int64(1)
	for _, n := range lengths {
		longest = max(longest, n)
	}
	return longest
}

// packed is a case's operands, all leaves, in dtype but for the bias.
type packed struct {
	attentionCase
	queryOffsets, keyOffsets []int64
	q, k, v                  *torch.Tensor // views of qkv in self-attention
	qkv                      *torch.Tensor // nil in cross-attention
}

func (c attentionCase) pack(s *torch.Scope, dtype torch.DType) packed {
	leaf := func(seed uint64, shape ...int64) *torch.Tensor {
		return torch.Normal(s, 0, 1, seed, torch.Float64, shape...).ToDType(dtype).Detach().SetRequiresGrad(true)
	}
	p := packed{attentionCase: c, queryOffsets: offsets(c.queries), keyOffsets: offsets(c.keys)}
	if c.keys == nil {
		p.keys, p.keyOffsets = p.queries, p.queryOffsets
		p.qkv = leaf(1, p.keyOffsets[len(p.keys)], 3, c.heads, c.dim)
		p.q, p.k, p.v = p.qkv.Select(1, 0), p.qkv.Select(1, 1), p.qkv.Select(1, 2)
	} else {
		p.q = leaf(1, p.queryOffsets[len(p.queries)], c.heads, c.dim)
		p.k = leaf(2, p.keyOffsets[len(p.keys)], c.heads, c.dim)
		p.v = leaf(3, p.keyOffsets[len(p.keys)], c.heads, c.dim)
	}
	if c.bias {
		biasType := torch.Float32
		if dtype == torch.Float64 {
			biasType = torch.Float64
		}
		p.options.BiasOffset = longest(p.queries) + 2
		p.options.Bias = torch.Normal(s, 0, 1, 4, torch.Float64, p.options.BiasOffset+longest(p.keys), c.heads).ToDType(biasType).Detach().SetRequiresGrad(true)
	}
	return p
}

func (p packed) attend() *torch.Tensor {
	if p.qkv != nil {
		return torch.PackedSelfAttention(p.qkv, p.queryOffsets, p.options)
	}
	return torch.PackedAttention(p.q, p.k, p.v, p.queryOffsets, p.keyOffsets, p.options)
}

// plain is the oracle: softmax(q k^T scale + bias) v in float64, a sequence at a time.
func (p packed) plain(s *torch.Scope) *torch.Tensor {
	scale := p.options.Scale
	if scale == 0 {
		scale = 1 / math.Sqrt(float64(p.dim))
	}
	part := func(t *torch.Tensor, offsets []int64, i int) *torch.Tensor { // [heads, length, dim]
		return t.ToDType(torch.Float64).Narrow(0, offsets[i], offsets[i+1]-offsets[i]).Transpose(0, 1)
	}
	rows := []*torch.Tensor{torch.Zeros(s, torch.Float64, 0, p.heads*p.dim)}
	for i := range p.queries {
		q, k, v := part(p.q, p.queryOffsets, i), part(p.k, p.keyOffsets, i), part(p.v, p.keyOffsets, i)
		nq, nk := p.queries[i], p.keys[i]
		scores := q.MatMul(k.Transpose(1, 2)).MulScalar(scale)
		var distance []int64
		var later []bool
		for i := range nq {
			for j := range nk {
				distance = append(distance, j-i+p.options.BiasOffset)
				later = append(later, p.options.Causal && j > i)
			}
		}
		if p.bias {
			bias := p.options.Bias.ToDType(torch.Float64).IndexSelect(0, ints(s, []int64{nq * nk}, distance...))
			scores = scores.Add(bias.Reshape(nq, nk, -1).Permute(2, 0, 1))
		}
		scores = scores.MaskedFill(bools(s, []int64{nq, nk}, later...), math.Inf(-1))
		rows = append(rows, scores.Softmax(-1).MatMul(v).Transpose(0, 1).Reshape(nq, p.heads*p.dim))
	}
	return torch.Cat(0, rows...)
}

// gradients of the leaves under a fixed cotangent.
func (p packed) gradients(s *torch.Scope, out *torch.Tensor) map[string]*torch.Tensor {
	leaves := map[string]*torch.Tensor{"q": p.q, "k": p.k, "v": p.v}
	if p.qkv != nil {
		leaves = map[string]*torch.Tensor{"qkv": p.qkv}
	}
	if p.bias {
		leaves["bias"] = p.options.Bias
	}
	out.BackwardWith(torch.Normal(s, 0, 1, 5, torch.Float64, out.Shape()...).ToDType(out.DType()))
	gradients := map[string]*torch.Tensor{}
	for name, leaf := range leaves {
		gradients[name] = leaf.Grad(s)
		torch.ZeroGrad(leaf)
	}
	return gradients
}

// TestPackedAttentionIsAttention holds values and gradients to the plain
// composition, whose inputs are the same numbers.
func TestPackedAttentionIsAttention(t *testing.T) {
	for _, c := range attentionCases {
		for dtype, tolerance := range map[torch.DType]float64{torch.Float64: 1e-12, torch.Float32: 1e-5, torch.BFloat16: 2e-2} {
			t.Run(fmt.Sprintf("%s/%v", c.name, dtype), func(t *testing.T) {
				torchtest.NoLeaks(t)
				s := torch.NewScope()
				defer s.Close()
				p := c.pack(s, dtype)
				got, want := p.attend(), p.plain(s)
				if got.DType() != dtype {
					t.Errorf("the result is %v", got.DType())
				}
				closeTo(t, "the result", got, want, tolerance)
				gradients := p.gradients(s, got)
				for name, wanted := range p.gradients(s, want) {
					if gradients[name] == nil {
						t.Errorf("no gradient of %s", name)
						continue
					}
					closeTo(t, "the gradient of "+name, gradients[name], wanted, tolerance)
				}
			})
		}
	}
}

// closeTo allows an error in proportion to the largest element.
func closeTo(t *testing.T, what string, got, want *torch.Tensor, tolerance float64) {
	t.Helper()
	if fmt.Sprint(got.Shape()) != fmt.Sprint(want.Shape()) {
		t.Errorf("%s has shape %v, want %v", what, got.Shape(), want.Shape())
		return
	}
	if got.NumEl() == 0 {
		return
	}
	want = want.ToDType(torch.Float64)
	worst := got.ToDType(torch.Float64).Sub(want).Abs().Max().Item()
	if largest := want.Abs().Max().Item(); !(worst <= tolerance*largest) {
		t.Errorf("%s is off by %g where the largest element is %g", what, worst, largest)
	}
}
