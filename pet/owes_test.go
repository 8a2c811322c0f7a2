package pet_test

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/internal/pettest"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/optim"
)

// What every method owes, on every family.

// bits is a comparison that tells -0 from 0.
func bits(values []float64) []uint64 {
	list := make([]uint64, len(values))
	for i, v := range values {
		list[i] = math.Float64bits(v)
	}
	return list
}

func TestTheOutputIsTheSameBeforeTheFirstStep(t *testing.T) {
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		eachVariant(t, func(t *testing.T, model string, v variant) {
			torchtest.NoLeaks(t)
			m := pettest.Load(t, model, dtype)
			want := pettest.Answers(m)
			attached := v.attach(t, m, true)
			if same := slices.Equal(bits(pettest.Answers(m)), bits(want)); same != v.startsExactly() {
				t.Errorf("%v: the output is the untuned model's: %v", dtype, same)
			}
			attached.Detach()
			if !slices.Equal(bits(pettest.Answers(m)), bits(want)) {
				t.Errorf("%v: the output is another after detaching", dtype)
			}
		})
	}
}

func TestStepsChangeWhatIsTunedAndNothingElse(t *testing.T) {
	eachVariant(t, func(t *testing.T, model string, v variant) {
		torchtest.NoLeaks(t)
		m := pettest.Load(t, model, torch.Float32)
		before := pettest.Snapshot(m)
		want := pettest.Answers(m)
		attached := v.attach(t, m, false)
		var own []string // parameters of the model that may change
		for _, p := range attached.Params() {
			if _, ok := m.Registry().Lookup(p.Name); ok {
				own = append(own, p.Name)
			}
		}
		untouched := values(attached)
		pettest.Tune(attached, m, 5)
		for _, name := range pettest.Changed(m, before) {
			if !slices.Contains(own, name) {
				t.Errorf("%s has changed and is not tuned", name)
			}
		}
		for name, now := range values(attached) {
			if slices.Equal(now, untouched[name]) {
				t.Errorf("%s has not changed", name)
			}
		}
		attached.Detach()
		if v.method == "full" {
			return
		}
		if names := pettest.Changed(m, before); names != nil {
			t.Errorf("after detaching %q are not what they were", names)
		}
		if !slices.Equal(bits(pettest.Answers(m)), bits(want)) {
			t.Error("the output is another after detaching")
		}
	})
}

// values are those of everything that is tuned, by name.
func values(a *pet.Attached) map[string][]float64 {
	all := map[string][]float64{}
	for _, p := range a.Params() {
		all[p.Name] = p.Leaf.Float64s()
	}
	return all
}

// A method is counted without weights, and tunes as many as it counts.
func TestCountsAreThoseOfShapesAlone(t *testing.T) {
	eachVariant(t, func(t *testing.T, model string, v variant) {
		torchtest.NoLeaks(t)
		m := pettest.Load(t, model, torch.Float32)
		declared, err := models.Declare(pettest.Dir(t, model), models.Options{DType: torch.Float32})
		if err != nil {
			t.Fatal(err)
		}
		defer declared.Close()
		attached := v.attach(t, m, false)
		defer attached.Detach()
		var leaves int64
		for _, p := range attached.Params() {
			leaves += p.Leaf.NumEl()
		}
		for _, counted := range []models.Model{m, declared} {
			n, err := pettest.Method(t, v.method).Count(counted, v.o)
			if err != nil {
				t.Fatal(err)
			}
			if n != leaves || n != attached.Count() {
				t.Errorf("counted %d, attached %d, in leaves %d", n, attached.Count(), leaves)
			}
		}
		if _, err := pet.Budget(v.method, declared, v.o); (err == nil) == (isAPETMask(v) || v.method == "apet-modules") {
			t.Errorf("as a budget: %v", err)
		}
	})
}

// TestGradients compares the gradient of what each method tunes with
// difference quotients in float64.
func TestGradients(t *testing.T) {
	eachVariant(t, func(t *testing.T, model string, v variant) {
		torchtest.NoLeaks(t)
		m := pettest.Load(t, model, torch.Float64)
		attached := v.attach(t, m, true)
		defer attached.Detach()
		pettest.Move(attached) // no gradient is zero because a factor is
		s := torch.NewScope()
		pettest.Loss(s, m).Backward()
		s.Close()
		params := attached.Params()
		for i, p := range params {
			n := int(p.Leaf.NumEl())
			entries := []int{i * 7919 % n}
			if len(params) < 10 {
				entries = append(entries, 0, n/2, n-1)
			}
			checkGradient(t, m, p, entries)
			torch.ZeroGrad(p.Leaf)
		}
	})
}

func checkGradient(t *testing.T, m models.Model, p optim.Param, entries []int) {
	t.Helper()
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	gradient := p.Leaf.Grad(s)
	if gradient == nil {
		t.Errorf("%s has no gradient", p.Name)
		return
	}
	got, was := gradient.Float64s(), p.Leaf.Float64s()
	set := func(at int, value float64) {
		now := slices.Clone(was)
		now[at] = value
		p.Leaf.CopyFrom(torch.FromSlice(s, now, p.Leaf.Shape()...))
		if p.Weight != nil {
			p.Weight.Put(p.Index, p.Leaf)
		}
	}
	lossAt := func(at int, value float64) float64 {
		set(at, value)
		return lossValue(m)
	}
	for _, at := range entries {
		const h = 1e-5 // of a formula whose error is of the order of h^4
		x := was[at]
		want := (8*(lossAt(at, x+h)-lossAt(at, x-h)) - (lossAt(at, x+2*h) - lossAt(at, x-2*h))) / (12 * h)
		set(at, x)
		if math.Abs(got[at]-want) > 1e-7*math.Max(1, math.Abs(want)) {
			t.Errorf("%s, entry %d: gradient %.9g, difference quotient %.9g", p.Name, at, got[at], want)
			return
		}
	}
}

func lossValue(m models.Model) float64 {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	return pettest.Loss(s, m).Item()
}

// cannotMerge says why a variant refuses to be merged on a family; "" where it
// can be.
func cannotMerge(m models.Model, v variant) string {
	_, classifier := m.(models.Classifier)
	switch {
	case v.method == "prompt" || v.method == "adapter":
		return "it is no Merger"
	case v.method == "bitfit" && !classifier:
		return "bitfit added biases that the model's files have no place for"
	case v.method == "apet-modules" && v.o.K > 1000:
		return "apet-modules picked bottlenecks ("
	}
	return ""
}

// TestMergedModelsComputeTheSame merges, saves, loads and unmerges. Tied
// embeddings stay tied.
func TestMergedModelsComputeTheSame(t *testing.T) {
	eachVariant(t, func(t *testing.T, model string, v variant) {
		torchtest.NoLeaks(t)
		m := pettest.Load(t, model, torch.Float32)
		base, before := pettest.Answers(m), pettest.Snapshot(m)
		attached := v.attach(t, m, false)
		defer attached.Detach()
		pettest.Move(attached)
		want, tuned := pettest.Answers(m), pettest.Snapshot(m)
		err := errors.New("it is no Merger")
		merger, ok := attached.Tuning.(pet.Merger)
		if ok {
			err = merger.Merge()
		}
		if reason := cannotMerge(m, v); reason != "" {
			if err == nil || !strings.Contains(err.Error(), reason) {
				t.Errorf("merging: %v, want %q", err, reason)
			}
			if names := pettest.Changed(m, tuned); names != nil {
				t.Errorf("merging was refused and has changed %q", names)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		within(t, "merged", pettest.Answers(m), want)
		checkSaved(t, m)
		checkUnmerge(t, m, merger, base, before)
	})
}

// checkSaved wants a saved model to be this one, without any method.
func checkSaved(t *testing.T, m models.Model) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "merged")
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	again := pettest.LoadDir(t, dir, torch.Float32)
	if !slices.Equal(bits(pettest.Answers(again)), bits(pettest.Answers(m))) {
		t.Error("the saved model computes something else")
	}
	if names := pettest.Changed(again, pettest.Snapshot(m)); names != nil {
		t.Errorf("the saved model has other %q", names)
	}
	if got, want := len(again.Registry().Parameters()), len(m.Registry().Parameters()); got != want {
		t.Errorf("the saved model has %d parameters, the merged one %d", got, want)
	}
}

// checkUnmerge wants the base back: every bit, or within rounding.
func checkUnmerge(t *testing.T, m models.Model, merger pet.Merger, base []float64, before map[string][]byte) {
	t.Helper()
	if merger.Config() == struct{}{} && !merger.Exact() { // full tuning
		if err := merger.Unmerge(); err == nil {
			t.Error("full tuning was unmerged")
		}
		return
	}
	if err := merger.Unmerge(); err != nil {
		t.Fatal(err)
	}
	within(t, "unmerged", pettest.Answers(m), base)
	if names := pettest.Changed(m, before); merger.Exact() && names != nil {
		t.Errorf("after unmerging %q are not what they were", names)
	}
}

// within compares outputs that were computed in another order.
func within(t *testing.T, what string, got, want []float64) {
	t.Helper()
	for i := range want {
		if math.Abs(got[i]-want[i]) > 2e-5*math.Max(1, math.Abs(want[i])) {
			t.Errorf("%s: output %d is %g, want %g", what, i, got[i], want[i])
			return
		}
	}
}
