package pet_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/models"
	_ "github.com/gopet-ml/gopet/models/bert"
	_ "github.com/gopet-ml/gopet/models/t5"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/optim"
)

// families are small models of each kind: with a classification head, with a
// head tied to the embedding table, with one of its own.
var families = map[string]string{
	"bert":     "../train/testdata/tiny",
	"t5 tied":  "../models/t5/testdata/tied",
	"t5 gated": "../models/t5/testdata/gated",
}

// variant is a method with options.
type variant struct {
	method string
	o      pet.Options
}

func (v variant) String() string { return fmt.Sprint(v.method, " ", v.o) }

// variants are what a small model can be tuned with: of each method the
// default, and what changes how it computes.
var variants = []variant{
	{"full", pet.Options{}},
	{"apet-discrete", pet.Options{K: 200, Targets: "all"}},
	{"apet-adjacent", pet.Options{K: 100}},
	{"apet-modules", pet.Options{K: 2600, Seed: 8}}, // with bottlenecks
	{"apet-modules", pet.Options{K: 300, Seed: 8}},  // which do not fit
	{"bitfit", pet.Options{}},
	{"lora", pet.Options{}},
	{"lora", pet.Options{Rank: 3, Alpha: 5, Targets: "all-linear"}},
	{"prompt", pet.Options{Prompt: 4}},
	{"prompt", pet.Options{Prompt: 4, Init: "normal"}},
	{"adapter", pet.Options{Bottleneck: 3}},
	{"adapter", pet.Options{Bottleneck: 3, Init: "zero"}},
	{"adapter", pet.Options{Bottleneck: 3, Init: "zero", Placement: "houlsby"}},
	{"adapter", pet.Options{Bottleneck: 3, Init: "zero", Placement: "pfeiffer"}},
}

// startsExactly reports whether the model computes what it did before a step.
func (v variant) startsExactly() bool {
	return v.method != "prompt" && (v.method != "adapter" || v.o.Init == "zero")
}

// eachVariant runs a test for each method on each family.
func eachVariant(t *testing.T, test func(t *testing.T, dir string, v variant)) {
	for family, dir := range families {
		for _, v := range variants {
			t.Run(family+"/"+v.String(), func(t *testing.T) { test(t, dir, v) })
		}
	}
}

func load(t testing.TB, dir string, dtype torch.DType) models.Model {
	t.Helper()
	m, err := models.Load(dir, models.Options{DType: dtype, Device: torch.CPU})
	if err != nil {
		t.Fatal(err)
	}
	m.SetDropout(0)
	t.Cleanup(m.Close)
	return m
}

func attach(t testing.TB, m models.Model, v variant, trainHead bool) *pet.Attached {
	t.Helper()
	attached, err := pet.Attach(m, lookup(t, v.method), v.o, trainHead)
	if err != nil {
		t.Fatal(err)
	}
	return attached
}

// answer is the logits of a batch with padding, and for a text-to-text model
// of the texts that its decoder reads: [any number, classes].
func answer(s *torch.Scope, m models.Model) *torch.Tensor {
	const rows, length = 3, 8
	ids, mask := make([]int64, rows*length), make([]bool, rows*length)
	for i := range ids {
		row, column := i/length, i%length
		ids[i], mask[i] = int64(2+(i*7+row)%20), column < length-2*row
	}
	in := models.Input{IDs: torch.FromSlice(s, ids, rows, length), Mask: torch.FromSlice(s, mask, rows, length), Train: true}
	if _, ok := m.(models.Classifier); ok {
		return models.Logits(m, in)
	}
	t5 := m.(models.TextToText)
	written := torch.FromSlice(s, []int64{t5.StartID(), 5, 9, t5.StartID(), 17, 3, t5.StartID(), 2, 21}, rows, 3)
	logits := t5.Decode(written, models.Hidden(m, in), in)
	return logits.Reshape(-1, logits.Dim(2))
}

// answers are the numbers of answer.
func answers(m models.Model) []float64 {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	return answer(s, m).Float64s()
}

// loss is to be least where row i answers class i mod 3.
func loss(s *torch.Scope, m models.Model) *torch.Tensor {
	logits := answer(s, m)
	targets := make([]int64, logits.Dim(0))
	for i := range targets {
		targets[i] = int64(i % 3)
	}
	return torch.CrossEntropy(logits, torch.FromSlice(s, targets, int64(len(targets))), nil, torch.ReduceMean)
}

// tune makes steps with weight decay.
func tune(attached *pet.Attached, m models.Model, steps int) {
	config := optim.DefaultConfig()
	config.WeightDecay = 0.1
	optimizer := optim.NewAdamW(attached.Params(), config)
	defer optimizer.Close()
	for range steps {
		s := torch.NewScope()
		optimizer.ZeroGrad()
		loss(s, m).Backward()
		s.Close()
		optimizer.Step(0.02)
	}
	optimizer.ZeroGrad()
}

// snapshot copies the bytes of every parameter.
func snapshot(m models.Model) map[string][]byte {
	all := map[string][]byte{}
	for _, p := range m.Registry().Parameters() {
		all[p.Name] = bytes.Clone(p.Tensor.Bytes())
	}
	return all
}

// changed names the parameters that are not what they were.
func changed(m models.Model, before map[string][]byte) []string {
	var names []string
	for _, p := range m.Registry().Parameters() {
		if !bytes.Equal(p.Tensor.Bytes(), before[p.Name]) {
			names = append(names, p.Name)
		}
	}
	return names
}

func isAPETMask(v variant) bool {
	return strings.HasPrefix(v.method, "apet-") && v.method != "apet-modules"
}
