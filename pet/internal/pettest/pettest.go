// Package pettest has small models of every family, and what tests of tuning
// methods do with them.
package pettest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/gopet-ml/gopet/models"
	_ "github.com/gopet-ml/gopet/models/bert" // the family bert
	_ "github.com/gopet-ml/gopet/models/t5"   // the family t5
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/optim"
)

// The models: an encoder with a classification head, in which every parameter
// matters; a T5 with its head tied to the embedding table, and one without.
const (
	BERT    = "train/testdata/tiny"
	TiedT5  = "models/t5/testdata/tied"
	GatedT5 = "models/t5/testdata/gated"
)

// Families lists the models.
var Families = []string{BERT, TiedT5, GatedT5}

// Dir is the directory of a model.
func Dir(t testing.TB, model string) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, model)); err == nil {
			return filepath.Join(root, model)
		}
		if root == filepath.Dir(root) {
			t.Fatalf("no %s in a folder above the test", model)
		}
		root = filepath.Dir(root)
	}
}

// Load loads a model without dropout, until the test ends.
func Load(t testing.TB, model string, dtype torch.DType) models.Model {
	t.Helper()
	return LoadDir(t, Dir(t, model), dtype)
}

// LoadDir is Load of a directory anywhere.
func LoadDir(t testing.TB, dir string, dtype torch.DType) models.Model {
	t.Helper()
	m, err := models.Load(dir, models.Options{DType: dtype, Device: torch.CPU})
	if err != nil {
		t.Fatal(err)
	}
	m.SetDropout(0)
	t.Cleanup(m.Close)
	return m
}

// Method finds a method by name.
func Method(t testing.TB, name string) pet.Method {
	t.Helper()
	m, err := pet.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Attach attaches a method to a model.
func Attach(t testing.TB, m models.Model, method string, o pet.Options, trainHead bool) *pet.Attached {
	t.Helper()
	attached, err := pet.Attach(m, Method(t, method), o, trainHead)
	if err != nil {
		t.Fatal(err)
	}
	return attached
}

// Answer is the logits of a batch of unequal rows, of two segments for BERT; for
// a text-to-text model, of the texts that its decoder reads: [any number,
// classes].
func Answer(s *torch.Scope, m models.Model) *torch.Tensor {
	const rows, length = 3, 8
	in := models.Input{Scope: s, Train: true}
	for row := range rows {
		for column := range length - 2*row {
			in.IDs, in.Types = append(in.IDs, int64(2+((row*length+column)*7+row)%20)), append(in.Types, int64(column/5))
		}
		in.Lengths = append(in.Lengths, int64(length-2*row))
	}
	t5, ok := m.(models.TextToText)
	if !ok {
		return models.Logits(m, in)
	}
	written := []int64{t5.StartID(), 5, 9, t5.StartID(), 17, 3, t5.StartID(), 2, 21}
	return t5.Logits(t5.Decode(written, []int64{3, 3, 3}, models.Hidden(m, in), in))
}

// Answers are the numbers of Answer.
func Answers(m models.Model) []float64 {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	return Answer(s, m).Float64s()
}

// Loss is least where the i-th answer is class i mod 3.
func Loss(s *torch.Scope, m models.Model) *torch.Tensor {
	logits := Answer(s, m)
	targets := make([]int64, logits.Dim(0))
	for i := range targets {
		targets[i] = int64(i % 3)
	}
	return torch.CrossEntropy(logits, torch.FromSlice(s, targets, int64(len(targets))), nil, torch.ReduceMean)
}

// Tune makes steps with weight decay.
func Tune(attached *pet.Attached, m models.Model, steps int) {
	config := optim.DefaultConfig()
	config.WeightDecay = 0.1
	optimizer := optim.NewAdamW(attached.Params(), config)
	defer optimizer.Close()
	for range steps {
		s := torch.NewScope()
		optimizer.ZeroGrad()
		Loss(s, m).Backward()
		s.Close()
		optimizer.Step(0.02)
	}
	optimizer.ZeroGrad()
}

// Move gives everything that is tuned new values, as a step would.
func Move(a *pet.Attached) {
	for i, p := range a.Params() {
		s := torch.NewScope(torch.NoGrad())
		leaf := p.Leaf.In(s).Detach()
		leaf.CopyFrom(leaf.Add(torch.Normal(s, 0, 0.1, uint64(i), torch.Float32, leaf.Shape()...)))
		if p.Weight != nil {
			p.Weight.Put(p.Index, leaf)
		}
		s.Close()
	}
}

// Snapshot copies the bytes of every parameter.
func Snapshot(m models.Model) map[string][]byte {
	all := map[string][]byte{}
	for _, p := range m.Registry().Parameters() {
		all[p.Name] = bytes.Clone(p.Tensor.Bytes())
	}
	return all
}

// Changed names the parameters that do not have the bits of a snapshot.
func Changed(m models.Model, before map[string][]byte) []string {
	var names []string
	for _, p := range m.Registry().Parameters() {
		if !bytes.Equal(p.Tensor.Bytes(), before[p.Name]) {
			names = append(names, p.Name)
		}
	}
	return names
}
