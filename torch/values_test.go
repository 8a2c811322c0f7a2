package torch_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
)

// TestValues holds operations to results computed by hand or by package math.
func TestValues(t *testing.T) {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	m := torch.FromSlice(s, []float64{1, -2, 3, -4, 5, -6}, 2, 3)
	v := torch.FromSlice(s, []float64{2, 4, 8}, 3)
	largest, where := m.TopK(2, 1)
	yes, no := 1.0, 0.0
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name string
		got  *torch.Tensor
		want []float64
	}{
		{"add", m.Add(v), []float64{3, 2, 11, -2, 9, 2}},
		{"sub", m.Sub(v), []float64{-1, -6, -5, -6, 1, -14}},
		{"mul", m.Mul(v), []float64{2, -8, 24, -8, 20, -48}},
		{"div", m.Div(v), []float64{0.5, -0.5, 0.375, -2, 1.25, -0.75}},
		{"matmul", m.MatMul(v), []float64{18, -36}},
		{"exp", v.Exp(), []float64{math.Exp(2), math.Exp(4), math.Exp(8)}},
		{"log", v.Log(), []float64{math.Log(2), math.Log(4), math.Log(8)}},
		{"sqrt", v.Sqrt(), []float64{math.Sqrt2, 2, math.Sqrt(8)}},
		{"rsqrt", v.Rsqrt(), []float64{1 / math.Sqrt2, 0.5, 1 / math.Sqrt(8)}},
		{"pow", v.PowScalar(-1), []float64{0.5, 0.25, 0.125}},
		{"tanh", v.Tanh(), []float64{math.Tanh(2), math.Tanh(4), math.Tanh(8)}},
		{"abs", m.Abs(), []float64{1, 2, 3, 4, 5, 6}},
		{"relu", m.ReLU(), []float64{1, 0, 3, 0, 5, 0}},
		{"gelu", v.GELU(), []float64{2 * phi(2), 4 * phi(4), 8 * phi(8)}},
		{"sum", m.Sum(), []float64{-3}},
		{"mean", m.Mean(), []float64{-0.5}},
		{"max", m.Max(), []float64{5}},
		{"min", m.Min(), []float64{-6}},
		{"norm", torch.FromSlice(s, []float64{3, 4}, 2).Norm(), []float64{5}},
		{"sum_dim", m.SumDim(false, 0), []float64{-3, 3, -3}},
		{"mean_dim", m.MeanDim(false, 1), []float64{2.0 / 3, -5.0 / 3}},
		{"amax", m.AMax(false, 1), []float64{3, 5}},
		{"argmax", m.ArgMax(1), []float64{2, 1}},
		{"topk", largest, []float64{3, 1, 5, -4}},
		{"topk indices", where, []float64{2, 0, 1, 0}},
		{"softmax", torch.FromSlice(s, []float64{0, math.Log(3)}, 2).Softmax(0), []float64{0.25, 0.75}},
		{"maximum", m.Maximum(v), []float64{2, 4, 8, 2, 5, 8}},
		{"minimum", m.Minimum(v), []float64{1, -2, 3, -4, 4, -6}},
		{"eq", m.Eq(m.Abs()), []float64{yes, no, yes, no, yes, no}},
		{"ne", m.Ne(m.Abs()), []float64{no, yes, no, yes, no, yes}},
		{"lt", m.Lt(v), []float64{yes, yes, yes, yes, no, yes}},
		{"gt", m.Gt(v), []float64{no, no, no, no, yes, no}},
		{"eq scalar", m.EqScalar(3), []float64{no, no, yes, no, no, no}},
		{"lt scalar", m.LtScalar(-3), []float64{no, no, no, yes, no, yes}},
		{"gt scalar", m.GtScalar(4), []float64{no, no, no, no, yes, no}},
		{"isfinite", torch.FromSlice(s, []float64{1, inf, nan}, 3).IsFinite(), []float64{yes, no, no}},
		{"logical_not", torch.FromSlice(s, []bool{true, false}, 2).LogicalNot(), []float64{no, yes}},
		{"where", torch.Where(m.GtScalar(0), m, v), []float64{1, 4, 3, 2, 5, 8}},
		{"masked_fill", m.MaskedFill(m.LtScalar(0), 0.5), []float64{1, 0.5, 3, 0.5, 5, 0.5}},
		{"transpose", m.Transpose(0, 1), []float64{1, -4, -2, 5, 3, -6}},
		{"permute", m.Permute(1, 0), []float64{1, -4, -2, 5, 3, -6}},
		{"narrow", m.Narrow(1, 1, 2), []float64{-2, 3, 5, -6}},
		{"select", m.Select(1, -1), []float64{3, -6}},
		{"index_select", m.IndexSelect(1, ints(s, []int64{2}, 2, 0)), []float64{3, 1, -6, -4}},
		{"gather", m.Gather(1, ints(s, []int64{2, 1}, 2, 0)), []float64{3, -4}},
		{"take", m.Take(ints(s, []int64{2}, 5, 0)), []float64{-6, 1}},
		{"cat", torch.Cat(0, v, v), []float64{2, 4, 8, 2, 4, 8}},
		{"stack", torch.Stack(1, v, v), []float64{2, 2, 4, 4, 8, 8}},
		{"expand", v.Unsqueeze(0).Expand(2, -1), []float64{2, 4, 8, 2, 4, 8}},
		{"arange", torch.Arange(s, 4, torch.Int64), []float64{0, 1, 2, 3}},
		{"full", torch.Full(s, -1.5, torch.BFloat16, 2), []float64{-1.5, -1.5}},
		{"linear", torch.Linear(v, m, torch.FromSlice(s, []float64{1, 2}, 2)), []float64{19, -34}},
		{"embedding", torch.Embedding(m, ints(s, []int64{2}, 1, 1)), []float64{-4, 5, -6, -4, 5, -6}},
		{"rms_norm", torch.RMSNorm(torch.FromSlice(s, []float64{1, 7}, 2), torch.FromSlice(s, []float64{5, 10}, 2), 0), []float64{1, 14}},
		// (1*5 + 2*7) + 3 + 0.5 * (1*2 + 2*4) * 6.
		{"low_rank_linear", torch.LowRankLinear(
			torch.FromSlice(s, []float64{1, 2}, 1, 2), torch.FromSlice(s, []float64{5, 7}, 1, 2), torch.FromSlice(s, []float64{3}, 1),
			torch.FromSlice(s, []float64{2, 4}, 1, 2), torch.FromSlice(s, []float64{6}, 1, 1), 0.5), []float64{52}},
		{"layer_norm", torch.LayerNorm(torch.FromSlice(s, []float64{1, 3}, 2), torch.FromSlice(s, []float64{2, 2}, 2), nil, 0), []float64{-2, 2}},
		// Weights 1 and 3: (1*log 4 + 3*log(4/3)) / (1+3).
		{"cross_entropy", torch.CrossEntropy(
			torch.FromSlice(s, []float64{0, math.Log(3), 0, math.Log(3)}, 2, 2), ints(s, []int64{2}, 0, 1),
			torch.FromSlice(s, []float64{1, 3}, 2), torch.ReduceMean), []float64{(math.Log(4) + 3*math.Log(4.0/3)) / 4}},
	} {
		got := c.got.Float64s()
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
			continue
		}
		for i := range got {
			if math.Abs(got[i]-c.want[i]) > 1e-13*math.Max(1, math.Abs(c.want[i])) {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
				break
			}
		}
	}
}

// phi is the normal distribution function.
func phi(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

func TestFromSliceCopiesEveryType(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	data := []float32{1, 2}
	x := torch.FromSlice(s, data, 2)
	data[0] = 9
	for _, c := range []struct {
		x     *torch.Tensor
		dtype torch.DType
		want  []float64
	}{
		{x, torch.Float32, []float64{1, 2}},
		{torch.FromSlice(s, []float64{0.1}, 1), torch.Float64, []float64{0.1}},
		{torch.FromSlice(s, []int64{1 << 40}, 1), torch.Int64, []float64{1 << 40}},
		{torch.FromSlice(s, []int32{-7}), torch.Int32, []float64{-7}},
		{torch.FromSlice(s, []uint8{255}, 1, 1), torch.Uint8, []float64{255}},
		{torch.FromSlice(s, []bool{true, false}, 2), torch.Bool, []float64{1, 0}},
		{torch.FromSlice(s, []float32{}, 0, 3), torch.Float32, []float64{}},
	} {
		if c.x.DType() != c.dtype {
			t.Errorf("dtype %v, want %v", c.x.DType(), c.dtype)
		}
		if diff := cmp.Diff(c.want, c.x.Float64s()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestInPlaceWritesAreNotRecorded(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	leaf := torch.Zeros(s, torch.BFloat16, 2, 2).SetRequiresGrad(true)
	leaf.CopyFrom(torch.FromSlice(s, []float64{1, 2, 3, 4.001}, 2, 2))
	leaf.Put(ints(s, []int64{1}, 2), torch.FromSlice(s, []float32{-3}, 1))
	if diff := cmp.Diff([]float64{1, 2, -3, 4}, leaf.Float64s()); diff != "" {
		t.Error(diff)
	}
	leaf.Sum().Backward()
	if diff := cmp.Diff([]float64{1, 1, 1, 1}, leaf.Grad(s).Float64s()); diff != "" {
		t.Error(diff)
	}
}

func TestGradientsAddUpUntilDropped(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	leaf := torch.FromSlice(s, []float64{3}, 1).SetRequiresGrad(true)
	for range 2 {
		leaf.Mul(leaf).Backward()
	}
	if got := leaf.Grad(s).Item(); got != 12 {
		t.Errorf("gradient after two passes: %v, want 12", got)
	}
	torch.ZeroGrad(leaf)
	if leaf.Grad(s) != nil {
		t.Error("a gradient after ZeroGrad")
	}
	if leaf.Detach().RequiresGrad() {
		t.Error("Detach requires a gradient")
	}
}

func TestDropoutKeepsTheExpectation(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	const n, p = 100000, 0.25
	x := torch.Ones(s, torch.Float32, n).SetRequiresGrad(true)
	torch.ManualSeed(1)
	state := torch.RNGState(s)
	y := x.Dropout(p)
	y.Sum().Backward()
	kept := 0
	for _, v := range y.Float64s() {
		switch {
		case v == 0:
		case math.Abs(v-1/(1-p)) < 1e-6:
			kept++
		default:
			t.Fatalf("an element became %v", v)
		}
	}
	// Six standard deviations of a binomial count.
	if deviation := math.Abs(float64(kept) - n*(1-p)); deviation > 6*math.Sqrt(n*p*(1-p)) {
		t.Errorf("kept %d of %d", kept, n)
	}
	if !x.Grad(s).Equal(y.Detach()) {
		t.Error("the gradient is not the mask that was applied")
	}
	torch.SetRNGState(state)
	if !x.Dropout(p).Equal(y) {
		t.Error("restoring the generator does not repeat the mask")
	}
	torch.ManualSeed(1)
	if !x.Dropout(p).Equal(y) {
		t.Error("the same seed does not repeat the mask")
	}
}

func TestNormalIsAFunctionOfItsSeed(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	a := torch.Normal(s, 1, 2, 7, torch.Float32, 1000)
	torch.Ones(s, torch.Float32, 10).Dropout(0.5) // draws from another generator
	if !a.Equal(torch.Normal(s, 1, 2, 7, torch.Float32, 1000)) {
		t.Error("the same seed drew other numbers")
	}
	if a.Equal(torch.Normal(s, 1, 2, 8, torch.Float32, 1000)) {
		t.Error("another seed drew the same numbers")
	}
	if mean := a.Mean().Item(); math.Abs(mean-1) > 0.4 {
		t.Errorf("mean %v of a thousand draws around 1", mean)
	}
}
