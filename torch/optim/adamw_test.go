package optim_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/optim"
)

func leaf(t *testing.T, dtype torch.DType, values ...float64) *torch.Tensor {
	x := torch.Empty(nil, dtype, int64(len(values)))
	write(x, values)
	t.Cleanup(x.Close)
	return x.SetRequiresGrad(true)
}

func snapshot(a *optim.AdamW, leaves ...*torch.Tensor) [][]byte {
	var all [][]byte
	for _, p := range a.State() {
		all = append(all, bytes.Clone(p.Leaf.Bytes()))
	}
	for _, l := range leaves {
		all = append(all, bytes.Clone(l.Bytes()))
	}
	return all
}

func TestAdamWSkipsWhatIsNotFinite(t *testing.T) {
	torchtest.NoLeaks(t)
	a, b := leaf(t, torch.Float32, 1, 2), leaf(t, torch.BFloat16, 3)
	optimizer := optim.NewAdamW([]optim.Param{{Name: "a", Leaf: a, Decay: true}, {Name: "b", Leaf: b}},
		optim.Config{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.1, MaxNorm: 1})
	defer optimizer.Close()
	backward(a, []float64{1, 1})
	if result := optimizer.Step(0.1); result.Skipped {
		t.Fatal("a finite step was skipped")
	}
	before := snapshot(optimizer, a, b)
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		optimizer.ZeroGrad()
		backward(a, []float64{0.5, bad})
		backward(b, []float64{1})
		result := optimizer.Step(0.1)
		if !result.Skipped || !math.IsNaN(result.GradNorm) && !math.IsInf(result.GradNorm, 1) {
			t.Errorf("gradient %v: %+v", bad, result)
		}
		if diff := cmp.Diff(before, snapshot(optimizer, a, b)); diff != "" {
			t.Errorf("gradient %v changed something: %s", bad, diff)
		}
	}
	if optimizer.Steps() != 1 {
		t.Errorf("%d steps counted, want 1", optimizer.Steps())
	}
}

func TestAdamWKeepsAMasterForHalfPrecision(t *testing.T) {
	torchtest.NoLeaks(t)
	weight := leaf(t, torch.BFloat16, 1)
	optimizer := optim.NewAdamW([]optim.Param{{Name: "w", Leaf: weight}}, optim.Config{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8})
	defer optimizer.Close()
	// Each step moves by 1e-3, less than half of bfloat16's spacing below 1.
	for range 20 {
		optimizer.ZeroGrad()
		backward(weight, []float64{1})
		optimizer.Step(1e-3)
	}
	if got := weight.Float64s()[0]; math.Abs(got-0.98) > 1.0/256 {
		t.Errorf("weight %v after 20 small steps, want about 0.98", got)
	}
	var names []string
	for _, p := range optimizer.State() {
		names = append(names, p.Name+" "+p.Leaf.DType().String())
	}
	if diff := cmp.Diff([]string{"w.exp_avg float32", "w.exp_avg_sq float32", "w.master float32"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestAdamWWritesThroughAtTheIndexOnly(t *testing.T) {
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		t.Run(dtype.String(), func(t *testing.T) {
			torchtest.NoLeaks(t)
			s := torch.NewScope(torch.NoGrad())
			defer s.Close()
			weight := torch.Normal(s, 0, 1, 5, dtype, 4, 5)
			tuned := []int64{2, 11, 19}
			index := torch.FromSlice(s, tuned, 3)
			start := weight.Take(index).Float64s()
			values := leaf(t, torch.Float32, start...)
			before := bytes.Clone(weight.Bytes())
			optimizer := optim.NewAdamW([]optim.Param{{Name: "w", Leaf: values, Weight: weight, Index: index, Decay: true}},
				optim.Config{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.1})
			defer optimizer.Close()
			backward(values, []float64{1, -1, 0})
			optimizer.Step(0.25)

			want := []float64{start[0]*0.975 - 0.25, start[1]*0.975 + 0.25, start[2] * 0.975}
			for i, got := range values.Float64s() {
				if math.Abs(got-want[i]) > 1e-6 {
					t.Errorf("value %d: %v, want %v", i, got, want[i])
				}
			}
			if !weight.Take(index).Equal(values.In(s).ToDType(dtype)) {
				t.Error("the weight does not hold the values in its own precision")
			}
			size := int64(dtype.Size())
			after := weight.Bytes()
			for i := range int64(20) {
				if i == 2 || i == 11 || i == 19 {
					continue
				}
				if !bytes.Equal(before[i*size:(i+1)*size], after[i*size:(i+1)*size]) {
					t.Errorf("entry %d, which is not tuned, changed its bits", i)
				}
			}
		})
	}
}

func TestAdamWTakesAnAbsentGradientAsZero(t *testing.T) {
	torchtest.NoLeaks(t)
	a, b := leaf(t, torch.Float64, 2), leaf(t, torch.Float64, 2)
	empty := leaf(t, torch.Float64)
	optimizer := optim.NewAdamW([]optim.Param{{Name: "a", Leaf: a, Decay: true}, {Name: "b", Leaf: b}, {Name: "empty", Leaf: empty}},
		optim.Config{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.5})
	defer optimizer.Close()
	if result := optimizer.Step(0.1); result.GradNorm != 0 || result.Skipped {
		t.Errorf("%+v", result)
	}
	if got := a.Item(); math.Abs(got-1.9) > 1e-15 {
		t.Errorf("decayed to %v, want 1.9", got)
	}
	if b.Item() != 2 {
		t.Errorf("moved to %v without gradient or decay", b.Item())
	}
}

// TestAdamWResumes: steps, a copy of the state, more steps; the copy goes on
// with the same bits.
func TestAdamWResumes(t *testing.T) {
	torchtest.NoLeaks(t)
	config := optim.DefaultConfig()
	first, second := leaf(t, torch.BFloat16, 1, -1), leaf(t, torch.BFloat16, 0, 0)
	a := optim.NewAdamW([]optim.Param{{Name: "w", Leaf: first}}, config)
	defer a.Close()
	step := func(o *optim.AdamW, leaf *torch.Tensor, gradient float64) {
		o.ZeroGrad()
		backward(leaf, []float64{gradient, 0.3})
		o.Step(0.01)
	}
	for i := range 3 {
		step(a, first, float64(i))
	}
	b := optim.NewAdamW([]optim.Param{{Name: "w", Leaf: second}}, config)
	defer b.Close()
	second.CopyFrom(first)
	for i, p := range b.State() {
		p.Leaf.CopyFrom(a.State()[i].Leaf)
	}
	if err := b.Resume(a.Steps()); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		step(a, first, float64(i))
		step(b, second, float64(i))
	}
	if diff := cmp.Diff(snapshot(a, first), snapshot(b, second)); diff != "" {
		t.Error(diff)
	}
	if err := b.Resume(-1); err == nil {
		t.Error("resumed at step -1")
	}
}

func TestScheduleValidate(t *testing.T) {
	for _, c := range []struct {
		schedule optim.Schedule
		says     string
	}{
		{optim.Schedule{Kind: "step", Steps: 3}, "linear, constant or cosine"},
		{optim.Schedule{Kind: "linear", Warmup: -1, Steps: 3}, "0 to 3"},
		{optim.Schedule{Kind: "linear", Warmup: 4, Steps: 3}, "0 to 3"},
	} {
		if err := c.schedule.Validate(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", c.schedule, err, c.says)
		}
	}
}
