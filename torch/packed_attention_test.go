package torch_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
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
		return torch.Normal(s, 0, 1, seed, torch.Float64, shape...).ToDType(dtype).ToDevice(torchtest.Device).Detach().SetRequiresGrad(true)
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
		p.options.Bias = torch.Normal(s, 0, 1, 4, torch.Float64, p.options.BiasOffset+longest(p.keys), c.heads).ToDType(biasType).ToDevice(torchtest.Device).Detach().SetRequiresGrad(true)
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
		return t.ToDevice(torch.CPU).ToDType(torch.Float64).Narrow(0, offsets[i], offsets[i+1]-offsets[i]).Transpose(0, 1)
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
			bias := p.options.Bias.ToDevice(torch.CPU).ToDType(torch.Float64).IndexSelect(0, ints(s, []int64{nq * nk}, distance...))
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
	out.BackwardWith(torch.Normal(s, 0, 1, 5, torch.Float64, out.Shape()...).ToDType(out.DType()).ToDevice(out.Device()))
	gradients := map[string]*torch.Tensor{}
	for name, leaf := range leaves {
		gradients[name] = leaf.Grad(s)
		torch.ZeroGrad(leaf)
	}
	return gradients
}

// TestPackedAttentionIsAttention holds values and gradients to the plain
// composition, whose inputs are the same numbers. float16 has no kernel on the
// CPU and so shows what other devices compute.
func TestPackedAttentionIsAttention(t *testing.T) {
	for _, c := range attentionCases {
		for dtype, tolerance := range map[torch.DType]float64{torch.Float64: 1e-12, torch.Float32: 1e-5, torch.BFloat16: 8e-3, torch.Float16: 2e-3} {
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

// TestPackedAttentionReadsViews: q, k and v as views of one buffer, and with
// heads before tokens, give the bits that self-attention of the buffer gives.
func TestPackedAttentionReadsViews(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	p := attentionCase{heads: 3, dim: 20, queries: []int64{17, 50}}.pack(s, torch.Float32)
	fused := p.attend()
	fusedGradient := p.gradients(s, fused)["qkv"]

	views := torch.PackedAttention(p.q, p.k, p.v, p.queryOffsets, p.keyOffsets, p.options)
	if !views.Equal(fused) || !p.gradients(s, views)["qkv"].Equal(fusedGradient) {
		t.Error("views of the buffer differ from the buffer")
	}
	headsFirst := func(t *torch.Tensor) *torch.Tensor { return t.Transpose(0, 1).Contiguous().Transpose(0, 1) }
	dimFirst := func(t *torch.Tensor) *torch.Tensor { return t.Transpose(1, 2).Contiguous().Transpose(1, 2) }
	turned := torch.PackedAttention(headsFirst(p.q), dimFirst(p.k), headsFirst(p.v), p.queryOffsets, p.keyOffsets, p.options)
	if !turned.Equal(fused) || !p.gradients(s, turned)["qkv"].Equal(fusedGradient) {
		t.Error("other strides give another result")
	}
}

// TestPackedAttentionIgnoresThreads: results and gradients have the same bits
// on any number of threads, with dropout too.
func TestPackedAttentionIgnoresThreads(t *testing.T) {
	defer torch.SetNumThreads(0)
	for _, c := range attentionCases {
		t.Run(c.name, func(t *testing.T) {
			torchtest.NoLeaks(t)
			s := torch.NewScope()
			defer s.Close()
			c.options.Dropout = 0.2
			p := c.pack(s, torch.Float32)
			var want *torch.Tensor
			var wantGradients map[string]*torch.Tensor
			for threads := 1; threads <= 3; threads++ {
				torch.SetNumThreads(threads)
				torch.ManualSeed(1)
				got := p.attend()
				gradients := p.gradients(s, got)
				if threads == 1 {
					want, wantGradients = got, gradients
					continue
				}
				if !got.Equal(want) {
					t.Errorf("%d threads change the result", threads)
				}
				for name, gradient := range gradients {
					if !gradient.Equal(wantGradients[name]) {
						t.Errorf("%d threads change the gradient of %s", threads, name)
					}
				}
			}
		})
	}
}

// TestPackedAttentionOfConstants: keys and values that need no gradient get
// none, and neither does a bias.
func TestPackedAttentionOfConstants(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	p := attentionCase{heads: 2, dim: 8, queries: []int64{3, 40}, keys: []int64{5, 9}, bias: true}.pack(s, torch.Float64)
	want := p.gradients(s, p.plain(s))
	for _, wanted := range []string{"q", "k", "v", "bias"} {
		p.q.SetRequiresGrad(wanted == "q")
		p.k.SetRequiresGrad(wanted == "k")
		p.v.SetRequiresGrad(wanted == "v")
		p.options.Bias.SetRequiresGrad(wanted == "bias")
		for name, gradient := range p.gradients(s, p.attend()) {
			if (gradient != nil) != (name == wanted) {
				t.Errorf("%s needs a gradient, and %s has one: %v", wanted, name, gradient != nil)
			} else if gradient != nil {
				closeTo(t, "the gradient of "+name+" alone", gradient, want[name], 1e-12)
			}
		}
	}
}

// TestPackedAttentionSpreadsNaN: a token that is not a number spoils what looks
// at it, and nothing else.
func TestPackedAttentionSpreadsNaN(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	for _, length := range []int64{5, 40} {
		q := torch.Normal(s, 0, 1, 1, torch.Float32, 2*length, 1, 8)
		q.Narrow(0, 3, 1).Fill(math.NaN())
		k := torch.Normal(s, 0, 1, 2, torch.Float32, 2*length, 1, 8)
		offsets := []int64{0, length, 2 * length}
		for i, value := range torch.PackedAttention(q, k, k, offsets, offsets, torch.PackedAttentionOptions{}).Float64s() {
			if math.IsNaN(value) != (i/8 == 3) {
				t.Fatalf("row %d has %g", i/8, value)
			}
		}
	}
}

// TestPackedAttentionOfNothing: a batch without sequences is no error.
func TestPackedAttentionOfNothing(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	for _, dtype := range []torch.DType{torch.Float32, torch.Float16} {
		p := attentionCase{heads: 2, dim: 8}.pack(s, dtype)
		out := p.attend()
		if shape := fmt.Sprint(out.Shape()); shape != "[0 16]" {
			t.Errorf("%v: shape %s", dtype, shape)
		}
		out.Sum().Backward()
	}
}

// dropped is what dropout leaves of the attention weights of one sequence, all
// equal before: queries ask nothing and values are rows of an identity.
func dropped(s *torch.Scope, dtype torch.DType, p float64, queries, keys, heads int64) *torch.Tensor {
	identity := make([]float32, keys*heads*keys)
	for key := range keys {
		for head := range heads {
			identity[(key*heads+head)*keys+key] = 1
		}
	}
	q, v := torch.Zeros(s, dtype, queries, heads, keys), torch.FromSlice(s, identity, keys, heads, keys).ToDType(dtype)
	return torch.PackedAttention(q, v, v, []int64{0, queries}, []int64{0, keys}, torch.PackedAttentionOptions{Dropout: p}).MulScalar(float64(keys))
}

// TestPackedAttentionDropout counts the weights that are dropped: by query, by
// key, by head, and in pairs of neighbours.
func TestPackedAttentionDropout(t *testing.T) {
	torchtest.NoLeaks(t)
	const queries, keys, heads = 500, 70, 4
	for _, p := range []float64{0.1, 0.5, 0.9} {
		s := torch.NewScope(torch.NoGrad())
		torch.ManualSeed(7)
		weights := dropped(s, torch.Float32, p, queries, keys, heads).Float64s()
		at := func(query, head, key int) float64 { return weights[(query*heads+head)*keys+key] }
		var byQuery [queries]float64
		var byKey [keys]float64
		var byHead [heads]float64
		var nextQuery, nextKey, nextHead float64
		for query := range queries {
			for head := range heads {
				for key := range keys {
					if w := at(query, head, key); w != 0 {
						if math.Abs(w*(1-p)-1) > 1e-5 {
							t.Fatalf("dropout %g: a weight kept is %g, want 1/(1-p)", p, w)
						}
						continue
					}
					byQuery[query]++
					byKey[key]++
					byHead[head]++
					if at((query+1)%queries, head, key) == 0 {
						nextQuery++
					}
					if at(query, head, (key+1)%keys) == 0 {
						nextKey++
					}
					if at(query, (head+1)%heads, key) == 0 {
						nextHead++
					}
				}
			}
		}
		// Five standard deviations: one count in a million of fair ones lies beyond.
		expect := func(what string, count float64, n int, p float64) {
			if deviation := math.Sqrt(float64(n) * p * (1 - p)); math.Abs(count-float64(n)*p) > 5*deviation {
				t.Errorf("dropout %g drops %g of %d %s", p, count, n, what)
			}
		}
		for _, count := range byQuery {
			expect("weights of a query", count, heads*keys, p)
		}
		for _, count := range byKey {
			expect("weights of a key", count, queries*heads, p)
		}
		for _, count := range byHead {
			expect("weights of a head", count, queries*keys, p)
		}
		expect("pairs of queries", nextQuery, queries*heads*keys, p*p)
		expect("pairs of keys", nextKey, queries*heads*keys, p*p)
		expect("pairs of heads", nextHead, queries*heads*keys, p*p)

		torch.ManualSeed(7)
		same, other := dropped(s, torch.Float64, p, queries, keys, heads), dropped(s, torch.Float64, p, queries, keys, heads)
		if !same.AllClose(torch.FromSlice(s, weights, same.Shape()...), 1e-5, 0) {
			t.Errorf("dropout %g: the same seed drops other weights in float64", p)
		}
		if same.Equal(other) {
			t.Errorf("dropout %g: the next call drops the same weights", p)
		}
		s.Close()
	}
}

func TestPackedAttentionIsChecked(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	tensor := func(shape ...int64) *torch.Tensor { return torch.Ones(s, torch.Float32, shape...) }
	x := tensor(5, 2, 4)
	attend := func(q, k, v *torch.Tensor, queries, keys []int64, o torch.PackedAttentionOptions) func() {
		return func() { torch.PackedAttention(q, k, v, queries, keys, o) }
	}
	offsets := []int64{0, 2, 5}
	none := torch.PackedAttentionOptions{}
	for _, c := range []struct {
		name, says string
		want       error
		f          func()
	}{
		{"no offsets", "offsets must go from 0 to the 5 rows", torch.ErrValue, attend(x, x, x, nil, nil, none)},
		{"offsets that begin late", "query offsets must go from 0", torch.ErrValue, attend(x, x, x, []int64{1, 2, 5}, offsets, none)},
		{"offsets that end early", "key offsets must go from 0 to the 5 rows", torch.ErrValue, attend(x, x, x, offsets, []int64{0, 2, 4}, none)},
		{"offsets that descend", "sequence 1 has -1 query rows", torch.ErrValue, attend(x, x, x, []int64{0, 3, 2, 5}, []int64{0, 1, 2, 5}, none)},
		{"a sequence without keys", "sequence 1 has 0 key rows, at least 1 needed", torch.ErrValue, attend(x, x, x, []int64{0, 1, 2, 5}, []int64{0, 2, 2, 5}, none)},
		{"more sequences of keys", "3 query offsets and 4 key offsets", torch.ErrValue, attend(x, x, x, offsets, []int64{0, 1, 2, 5}, none)},
		{"other heads", "want [tokens, heads, dim]", torch.ErrValue, attend(x, tensor(5, 1, 4), tensor(5, 1, 4), offsets, offsets, none)},
		{"fewer values than keys", "want [tokens, heads, dim]", torch.ErrValue, attend(x, x, tensor(4, 2, 4), offsets, offsets, none)},
		{"a matrix", "want [tokens, heads, dim]", torch.ErrValue, attend(tensor(5, 8), x, x, offsets, offsets, none)},
		{"no heads", "at least one head", torch.ErrValue, attend(tensor(5, 0, 4), tensor(5, 0, 4), tensor(5, 0, 4), offsets, offsets, none)},
		{"two dtypes", "must share dtype", torch.ErrValue, attend(x, x.ToDType(torch.BFloat16), x, offsets, offsets, none)},
		{"dropout of all", "dropout of 1", torch.ErrValue, attend(x, x, x, offsets, offsets, torch.PackedAttentionOptions{Dropout: 1})},
		{"a bias of other heads", "want [distances, heads]", torch.ErrValue, attend(x, x, x, offsets, offsets, torch.PackedAttentionOptions{Bias: tensor(9, 3), BiasOffset: 4})},
		{"a bias too short before", "distances from -2 to 2 with offset 1", torch.ErrIndex, attend(x, x, x, offsets, offsets, torch.PackedAttentionOptions{Bias: tensor(9, 2), BiasOffset: 1})},
		{"a bias too short after", "distances from -2 to 2 with offset 2", torch.ErrIndex, attend(x, x, x, offsets, offsets, torch.PackedAttentionOptions{Bias: tensor(4, 2), BiasOffset: 2})},
		{"no three parts", "want [tokens, 3, heads, dim]", torch.ErrValue, func() { torch.PackedSelfAttention(tensor(5, 2, 2, 4), offsets, none) }},
	} {
		err := torch.Try(c.f)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want the kind of %v, and %q", c.name, err, c.want, c.says)
		}
	}
	// Causal attention needs no rows for later keys.
	o := torch.PackedAttentionOptions{Bias: tensor(3, 2), BiasOffset: 2, Causal: true}
	if err := torch.Try(attend(x, x, x, offsets, offsets, o)); err != nil {
		t.Error(err)
	}
}

// TestPackedAttentionStoresNoWeights: those of this sequence would take 400 MB.
func TestPackedAttentionStoresNoWeights(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	before := status(t, "VmHWM")
	p := attentionCase{heads: 1, dim: 4, queries: []int64{10000}}.pack(s, torch.Float32)
	p.gradients(s, p.attend())
	if grown := status(t, "VmHWM") - before; grown > 64<<20 {
		t.Errorf("peak memory grew by %d MB", grown>>20)
	}
}

// TestOtherInstructionSets runs the tests of kernels that exist in several
// compilations again for those that this machine would not choose.
func TestOtherInstructionSets(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("there are no others")
	}
	if forced := os.Getenv("ATEN_CPU_CAPABILITY"); forced != "" {
		if torch.CPUCapability() != strings.ToUpper(forced) {
			t.Errorf("kernels run on %s, %s is asked for", torch.CPUCapability(), forced)
		}
		return
	}
	for _, capability := range []string{"default", "avx2"} {
		command := exec.Command(os.Args[0], "-test.run", "^(TestOtherInstructionSets|TestPackedAttention.*|TestMaskedGradientIsTheDenseOne)$")
		command.Env = append(os.Environ(), "ATEN_CPU_CAPABILITY="+capability)
		if output, err := command.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", capability, err, output)
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
	want = want.ToDevice(torch.CPU).ToDType(torch.Float64)
	worst := got.ToDevice(torch.CPU).ToDType(torch.Float64).Sub(want).Abs().Max().Item()
	if largest := want.Abs().Max().Item(); !(worst <= tolerance*largest) {
		t.Errorf("%s is off by %g where the largest element is %g", what, worst, largest)
	}
}
