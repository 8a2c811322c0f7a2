package apet

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/internal/pettest"
	"github.com/gopet-ml/gopet/torch"
)

// everyTarget names weights, biases, norms and embeddings in all ways there are.
var everyTarget = []string{"all-linear", "qv", "all", `.*\.bias`, `.*LayerNorm.*`, `.*embeddings.*weight`, `bert\.pooler.*`}

func eligible(t testing.TB, m models.Model, targets string) int64 {
	t.Helper()
	list, err := pet.Targets(m, targets)
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	for _, p := range list {
		n += p.NumEl()
	}
	return n
}

func TestTunedEntriesChangeAndNoOthers(t *testing.T) {
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		for _, method := range []string{"apet-discrete", "apet-adjacent"} {
			for _, targets := range everyTarget {
				t.Run(fmt.Sprint(dtype, " ", method, " ", targets), func(t *testing.T) {
					torchtest.NoLeaks(t)
					m := pettest.Load(t, pettest.BERT, dtype)
					before := pettest.Snapshot(m)
					k := eligible(t, m, targets) / 5
					attached := pettest.Attach(t, m, method, pet.Options{K: k, Targets: targets, Seed: 5}, false)
					if attached.Count() != k {
						t.Errorf("%d entries are tuned, want %d", attached.Count(), k)
					}
					pettest.Tune(attached, m, 10)
					checkTouched(t, m, attached, before, targets == "all-linear" && dtype == torch.Float32)
					attached.Detach()
					checkBits(t, m, before)
				})
			}
		}
	}
}

// checkTouched wants what is outside the mask to have its old bits, and what
// is inside to have changed: all of it, or at least some.
func checkTouched(t *testing.T, m models.Model, attached *pet.Attached, before map[string][]byte, all bool) {
	t.Helper()
	masks := attached.Tuning.(*tuning).masks()
	changed, tuned := 0, 0
	for _, p := range m.Registry().Parameters() {
		var inside []int64
		if mask, ok := masks[p]; ok {
			inside = mask.Index.Int64s()
		}
		size := p.Tensor.DType().Size()
		now := p.Tensor.Bytes()
		for at := range p.NumEl() {
			first, end := int(at)*size, int(at+1)*size
			same := bytes.Equal(now[first:end], before[p.Name][first:end])
			if _, masked := slices.BinarySearch(inside, at); masked {
				tuned++
				if !same {
					changed++
				}
			} else if !same {
				t.Fatalf("%s: entry %d is outside the mask and has changed", p.Name, at)
			}
		}
	}
	if changed == 0 || all && changed != tuned {
		t.Errorf("%d of %d tuned entries have changed", changed, tuned)
	}
}

func checkBits(t *testing.T, m models.Model, want map[string][]byte) {
	t.Helper()
	for _, p := range m.Registry().Parameters() {
		if !bytes.Equal(p.Tensor.Bytes(), want[p.Name]) {
			t.Errorf("%s does not have its old bits", p.Name)
		}
	}
}

func TestOutputIsTheSameBeforeTheFirstStep(t *testing.T) {
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		m := pettest.Load(t, pettest.BERT, dtype)
		want := pettest.Answers(m)
		for _, targets := range everyTarget {
			attached := pettest.Attach(t, m, "apet-discrete", pet.Options{K: eligible(t, m, targets) / 2, Targets: targets}, true)
			if got := pettest.Answers(m); !slices.Equal(got, want) {
				t.Errorf("%v, %s: logits %v, without tuning %v", dtype, targets, got, want)
			}
			attached.Detach()
			if got := pettest.Answers(m); !slices.Equal(got, want) {
				t.Errorf("%v, %s: logits %v after detaching, want %v", dtype, targets, got, want)
			}
		}
	}
}

// TestGradientsAreTheDenseOnes compares with the same model tuned in full, up
// to all entries of every target.
func TestGradientsAreTheDenseOnes(t *testing.T) {
	for dtype, tolerance := range map[torch.DType]float64{torch.Float32: 1e-5, torch.Float64: 1e-12} {
		m := pettest.Load(t, pettest.BERT, dtype)
		dense := denseGradients(m)
		for _, targets := range everyTarget {
			for _, part := range []int64{1, 3, 50} {
				t.Run(fmt.Sprint(dtype, " ", targets, " 1 in ", part), func(t *testing.T) {
					torchtest.NoLeaks(t)
					attached := pettest.Attach(t, m, "apet-discrete", pet.Options{K: eligible(t, m, targets) / part, Targets: targets, Seed: 9}, false)
					defer attached.Detach()
					s := torch.NewScope()
					pettest.Loss(s, m).Backward()
					s.Close()
					checkGradients(t, attached.Tuning.(*tuning), dense, tolerance)
					for _, p := range m.Registry().Parameters() {
						check := torch.NewScope()
						if p.Tensor.Grad(check) != nil {
							t.Errorf("the frozen %s has a gradient", p.Name)
						}
						check.Close()
					}
				})
			}
		}
	}
}

func denseGradients(m models.Model) map[string][]float64 {
	dense := map[string][]float64{}
	s := torch.NewScope()
	defer s.Close()
	for _, p := range m.Registry().Parameters() {
		p.Tensor.SetRequiresGrad(true)
	}
	pettest.Loss(s, m).Backward()
	for _, p := range m.Registry().Parameters() {
		dense[p.Name] = p.Tensor.Grad(s).ToDType(torch.Float64).Float64s()
		torch.ZeroGrad(p.Tensor)
	}
	return dense
}

func checkGradients(t *testing.T, tuned *tuning, dense map[string][]float64, tolerance float64) {
	t.Helper()
	for _, e := range tuned.entries {
		s := torch.NewScope(torch.NoGrad())
		gradient := e.mask.Values.Grad(s)
		if gradient == nil {
			t.Errorf("%s: no gradient", e.parameter.Name)
			s.Close()
			continue
		}
		got, want := gradient.ToDType(torch.Float64).Float64s(), dense[e.parameter.Name]
		var largest float64
		for _, g := range want {
			largest = max(largest, g, -g)
		}
		// The gradient of a key's bias is rounding alone: softmax sees no shift.
		largest = max(largest, 1e-3)
		for i, at := range e.mask.Index.Int64s() {
			if difference := max(got[i]-want[at], want[at]-got[i]); !(difference <= tolerance*largest) {
				t.Errorf("%s at %d: gradient %g, dense %g", e.parameter.Name, at, got[i], want[at])
				break
			}
		}
		torch.ZeroGrad(e.mask.Values)
		s.Close()
	}
}

func TestNothingIsTunedWithoutEntries(t *testing.T) {
	torchtest.NoLeaks(t)
	m := pettest.Load(t, pettest.BERT, torch.Float32)
	before := pettest.Snapshot(m)
	attached := pettest.Attach(t, m, "apet-discrete", pet.Options{}, true)
	defer attached.Detach()
	if attached.Count() != 0 || len(attached.Params()) != 2 {
		t.Errorf("%d entries in %d tensors, want the head's 2 alone", attached.Count(), len(attached.Params()))
	}
	pettest.Tune(attached, m, 3)
	for _, p := range m.Base() {
		if !bytes.Equal(p.Tensor.Bytes(), before[p.Name]) {
			t.Errorf("%s has changed", p.Name)
		}
	}
	for _, p := range m.Head() {
		if bytes.Equal(p.Tensor.Bytes(), before[p.Name]) {
			t.Errorf("%s was not trained", p.Name)
		}
	}
}

func TestAttachRefuses(t *testing.T) {
	torchtest.NoLeaks(t)
	m := pettest.Load(t, pettest.BERT, torch.Float32)
	before := pettest.Snapshot(m)
	all := eligible(t, m, "qv")
	method, err := pet.Lookup("apet-discrete")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		options pet.Options
		want    string
	}{
		{pet.Options{K: -1}, "k = -1: want 0 to"},
		{pet.Options{K: all + 1, Targets: "qv"}, fmt.Sprintf("k = %d: want 0 to %d, the number of eligible entries", all+1, all)},
		{pet.Options{Targets: "querty"}, `targets "querty" name none of the model's parameters`},
		{pet.Options{Targets: "("}, `targets "(": want all-linear, qv, all or a regular expression`},
	} {
		if _, err := pet.Attach(m, method, test.options, true); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: error %v, want %q", test.options, err, test.want)
		}
	}
	for _, positions := range []map[string][]int64{
		{"bert.nowhere": {1}},
		{"bert.pooler.dense.bias": {1, 1}},
		{"bert.pooler.dense.bias": {-1}},
		{"bert.encoder.layer.0.output.dense.bias": {0}, "bert.pooler.dense.bias": {16}},
	} {
		if _, err := AttachAt(m, positions); err == nil {
			t.Errorf("a mask at %v was taken", positions)
		}
	}
	checkBits(t, m, before)
}

func TestLearningRateFallsWithK(t *testing.T) {
	previous := LearningRate(0)
	for k := int64(1); k < 1<<40; k *= 2 {
		rate := LearningRate(k)
		if rate > previous || rate <= 0 || rate > 0.1 {
			t.Errorf("the rate of k = %d is %g, of fewer entries %g", k, rate, previous)
		}
		previous = rate
	}
}
