package torch_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
)

// scattered draws k distinct ascending positions below n.
func scattered(n, k int64) []int64 {
	picked := rand.New(rand.NewPCG(1, uint64(n))).Perm(int(n))[:k]
	slices.Sort(picked)
	index := make([]int64, k)
	for i, p := range picked {
		index[i] = int64(p)
	}
	return index
}

// run is k positions in a row.
func run(first, k int64) []int64 {
	index := make([]int64, k)
	for i := range index {
		index[i] = first + int64(i)
	}
	return index
}

// strided is every step-th position below n.
func strided(first, step, n int64) []int64 {
	var index []int64
	for i := first; i < n; i += step {
		index = append(index, i)
	}
	return index
}

// maskedCases reach every way of the kernel: sampled products in whole and
// cut blocks, groups and vectors, in several chunks and passes; dense tiles;
// both in one weight.
var maskedCases = []struct {
	name            string
	tokens, out, in int64
	index           []int64
}{
	{"empty index", 9, 5, 7, nil},
	{"one entry", 9, 5, 7, []int64{17}},
	{"first and last entry", 65, 33, 17, []int64{0, 33*17 - 1}},
	{"one token", 1, 5, 7, []int64{0, 3, 20, 34}},
	{"no tokens", 0, 5, 7, []int64{0, 3}},
	{"weight of one entry", 3, 1, 1, []int64{0}},
	{"one row", 67, 1, 50, scattered(50, 9)},
	{"one column", 67, 50, 1, scattered(50, 9)},
	{"full matrix", 64, 19, 23, run(0, 19*23)},
	{"full large matrix", 130, 150, 40, run(0, 150*40)},
	{"a whole row", 63, 20, 31, run(31, 31)},
	{"a whole column", 129, 90, 31, strided(30, 31, 90*31)},
	{"run over rows", 127, 40, 33, run(100, 77)},
	{"long run", 200, 140, 64, run(64*3+5, 64*70)},
	{"sparse", 300, 130, 70, scattered(130*70, 40)},
	{"half dense", 300, 130, 70, scattered(130*70, 4600)},
	{"dense rows, then sparse ones", 140, 200, 48, append(run(0, 64*48), strided(70*48+3, 41, 200*48)...)},
	{"sparse rows, then dense ones", 140, 200, 48, append(strided(3, 97, 64*48), run(70*48, 130*48)...)},
	{"many chunks of tokens", 2100, 40, 20, scattered(800, 60)},
	{"several passes", 40, 1024, 600, scattered(1024*600, 100000)},
}

func TestMaskedGradientIsTheDenseOne(t *testing.T) {
	defer torch.SetNumThreads(0)
	for _, c := range maskedCases {
		for _, dtype := range []torch.DType{torch.Float64, torch.Float32, torch.BFloat16} {
			t.Run(fmt.Sprintf("%s/%v", c.name, dtype), func(t *testing.T) {
				torchtest.NoLeaks(t)
				s := torch.NewScope()
				defer s.Close()
				dy := torch.Normal(s, 0, 1, 1, torch.Float64, c.tokens, c.out).ToDType(dtype)
				x := torch.Normal(s, 0, 1, 2, torch.Float64, c.tokens, c.in).ToDType(dtype)
				index := torch.FromSlice(s, c.index, int64(len(c.index)))

				// The oracle is dense and in float64 whatever the inputs are.
				dense := dy.ToDType(torch.Float64).Transpose(0, 1).MatMul(x.ToDType(torch.Float64))
				want := dense.Reshape(-1).IndexSelect(0, index).Float64s()
				largest := dense.Abs().Max().Item()
				torch.SetNumThreads(1)
				d, v, at := dy.ToDevice(torchtest.Device), x.ToDevice(torchtest.Device), index.ToDevice(torchtest.Device)
				gradient := torch.MaskedGradient(d, v, at)
				for i, got := range gradient.ToDevice(torch.CPU).Float64s() {
					difference := math.Abs(got - want[i])
					// A sum that nearly cancels is small by luck, not by size: below a
					// thousandth of the largest entry the error is held to that.
					bound := 1e-12 * math.Max(math.Abs(want[i]), 1e-3*largest)
					if dtype != torch.Float64 {
						bound = 1e-5 * largest
					}
					if difference > bound {
						t.Fatalf("entry %d (position %d): %g, want %g", i, c.index[i], got, want[i])
					}
				}
				for threads := 2; threads <= 3; threads++ {
					torch.SetNumThreads(threads)
					if !torch.MaskedGradient(d, v, at).Equal(gradient) {
						t.Errorf("%d threads change the result", threads)
					}
				}
			})
		}
	}
}

// TestMaskedLinearTunesLikeLinear holds the hook in a backward pass to the
// plain layer, through which all gradients flow.
func TestMaskedLinearTunesLikeLinear(t *testing.T) {
	for _, c := range maskedCases {
		for _, bias := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/bias %v", c.name, bias), func(t *testing.T) {
				torchtest.NoLeaks(t)
				s := torch.NewScope()
				defer s.Close()
				k := int64(len(c.index))
				weight := torch.Normal(s, 0, 1, 3, torch.Float64, c.out, c.in)
				index := torch.FromSlice(s, c.index, k)
				mask := torch.Mask{Index: index, Values: weight.Take(index).SetRequiresGrad(true)}
				grads := func(f func(x, b *torch.Tensor) *torch.Tensor, w *torch.Tensor) (y, dx, db, dw *torch.Tensor) {
					x := torch.Normal(s, 0, 1, 1, torch.Float64, c.tokens, c.in).SetRequiresGrad(true)
					var b *torch.Tensor
					if bias {
						b = torch.Normal(s, 0, 1, 2, torch.Float64, c.out).SetRequiresGrad(true)
					}
					y = f(x, b)
					y.BackwardWith(torch.Normal(s, 0, 1, 4, torch.Float64, c.tokens, c.out))
					if bias {
						db = b.Grad(s)
					}
					return y, x.Grad(s), db, w.Grad(s)
				}
				y, dx, db, dv := grads(func(x, b *torch.Tensor) *torch.Tensor {
					return torch.MaskedLinear(x, weight, b, mask)
				}, mask.Values)
				plain := weight.Clone().SetRequiresGrad(true)
				wantY, wantDX, wantDB, wantDW := grads(func(x, b *torch.Tensor) *torch.Tensor {
					return torch.Linear(x, plain, b)
				}, plain)
				if !y.Equal(wantY) {
					t.Error("the result differs from Linear's")
				}
				if !dx.AllClose(wantDX, 1e-12, 1e-12) || bias && !db.AllClose(wantDB, 1e-12, 1e-12) {
					t.Error("the gradient of x or bias differs from Linear's")
				}
				if k > 0 && !dv.AllClose(wantDW.Take(index), 1e-12, 1e-12) {
					t.Error("the gradient of the tuned entries differs from Linear's")
				}
				if weight.Grad(s) != nil {
					t.Error("the frozen weight has a gradient")
				}
			})
		}
	}
}

// TestMaskedLinearOfFrozenInput: the lowest tuned layer gets no gradient for
// its input, and values that want none get none.
func TestMaskedLinearOfFrozenInput(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	x := torch.Normal(s, 0, 1, 1, torch.BFloat16, 6, 4)
	weight := torch.Normal(s, 0, 1, 2, torch.BFloat16, 3, 4)
	mask := torch.Mask{Index: torch.FromSlice(s, []int64{2, 5}, 2), Values: torch.Zeros(s, torch.Float32, 2)}
	if torch.MaskedLinear(x, weight, nil, mask).RequiresGrad() {
		t.Error("records a backward pass that nobody wants")
	}
	mask.Values.SetRequiresGrad(true)
	torch.MaskedLinear(x, weight, nil, mask).Sum().Backward()
	gradient := mask.Values.Grad(s)
	if gradient.DType() != torch.Float32 {
		t.Fatalf("gradient of a bfloat16 layer is %v, want float32", gradient.DType())
	}
	columns := x.ToDType(torch.Float32).SumDim(false, 0).Float32s()
	want := torch.FromSlice(s, []float32{columns[2], columns[1]}, 2)
	if !gradient.AllClose(want, 1e-5, 1e-5) {
		t.Errorf("gradient %v, want %v", gradient.Float32s(), want.Float32s())
	}
	if x.Grad(s) != nil {
		t.Error("the frozen input has a gradient")
	}
}

func TestMaskIsChecked(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	dy, x := torch.Ones(s, torch.Float32, 4, 3), torch.Ones(s, torch.Float32, 4, 5)
	weight := torch.Ones(s, torch.Float32, 3, 5)
	values := torch.Zeros(s, torch.Float32, 2)
	for _, c := range []struct {
		name string
		want error
		f    func()
	}{
		{"beyond the end", torch.ErrIndex, func() { torch.MaskedGradient(dy, x, torch.FromSlice(s, []int64{3, 15}, 2)) }},
		{"negative", torch.ErrIndex, func() { torch.MaskedGradient(dy, x, torch.FromSlice(s, []int64{-1}, 1)) }},
		{"descending", torch.ErrValue, func() { torch.MaskedGradient(dy, x, torch.FromSlice(s, []int64{7, 3}, 2)) }},
		{"repeated", torch.ErrValue, func() { torch.MaskedGradient(dy, x, torch.FromSlice(s, []int64{3, 3}, 2)) }},
		{"of int32", torch.ErrValue, func() { torch.MaskedGradient(dy, x, torch.FromSlice(s, []int32{3}, 1)) }},
		{"tokens that differ", torch.ErrValue, func() {
			torch.MaskedGradient(dy, x.Narrow(0, 0, 3), torch.FromSlice(s, []int64{3}, 1))
		}},
		{"fewer values than entries", torch.ErrValue, func() {
			torch.MaskedLinear(x, weight, nil, torch.Mask{Index: torch.FromSlice(s, []int64{1, 2, 3}, 3), Values: values})
		}},
		{"put beyond the end", torch.ErrIndex, func() { weight.Put(torch.FromSlice(s, []int64{2, 15}, 2), values) }},
	} {
		if err := torch.Try(c.f); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want the kind of %v", c.name, err, c.want)
		}
	}
	if !weight.Equal(torch.Ones(s, torch.Float32, 3, 5)) {
		t.Error("a refused Put changed the weight")
	}
}

// TestMaskedGradientNeverStoresTheFullOne: the full gradient of this weight
// would take 1.6 GB.
func TestMaskedGradientNeverStoresTheFullOne(t *testing.T) {
	torchtest.NoLeaks(t)
	const side = 20000
	s := torch.NewScope()
	defer s.Close()
	dy, x := torch.Ones(s, torch.Float32, 4, side), torch.Ones(s, torch.Float32, 4, side)
	before := status(t, "VmHWM")
	for _, index := range [][]int64{strided(11, side*side/5000, side*side), run(side/2, 10*side)} {
		gradient := torch.MaskedGradient(dy, x, torch.FromSlice(s, index, int64(len(index))))
		if gradient.Min().Item() != 4 || gradient.Max().Item() != 4 {
			t.Error("the gradient of ones is not the number of tokens")
		}
	}
	if grown := status(t, "VmHWM") - before; grown > 256<<20 {
		t.Errorf("peak memory grew by %d MB", grown>>20)
	}
}

// status is a size of this process from /proc/self/status, in bytes.
func status(t testing.TB, field string) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skipf("this system does not tell memory by /proc: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kilobytes, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	t.Fatalf("no %s in /proc/self/status", field)
	return 0
}
