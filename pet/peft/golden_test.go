package peft_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gopet-ml/gopet/internal/modeltest"
	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/peft"
	"github.com/gopet-ml/gopet/torch"
)

// tolerance is how far logits may be from peft's.
const tolerance = 1e-5

// golden is what the scripts of testdata have a family compute: a batch, and
// the logits of every adapter.
type golden map[string]*torch.Tensor

// goldenOf reads the goldens of both libraries.
func goldenOf(t *testing.T, s *torch.Scope, base string) golden {
	t.Helper()
	g := readTensors(t, s, filepath.Join(base, "golden.safetensors"))
	maps.Copy(g, readTensors(t, s, filepath.Join(base, "adapters.safetensors")))
	return g
}

func readTensors(t *testing.T, s *torch.Scope, path string) map[string]*torch.Tensor {
	t.Helper()
	file, err := checkpoint.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	list := map[string]*torch.Tensor{}
	for _, name := range file.Names() {
		info, _ := file.Info(name)
		dtype := map[checkpoint.DType]torch.DType{
			checkpoint.Float32: torch.Float32, checkpoint.Int64: torch.Int64, checkpoint.Uint8: torch.Uint8,
		}[info.DType]
		list[name] = torch.Empty(s, dtype, info.Shape...)
		if err := file.ReadInto(name, list[name].Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// logits are what a model computes of the golden's batch; without a head the
// last hidden state, zero at the padding.
func (g golden) logits(m models.Model) *torch.Tensor {
	in := modeltest.Golden(g).Input()
	hidden := models.Hidden(m, in)
	ids := g["decoder_input_ids"]
	switch {
	case len(m.Head()) > 0:
		return models.Logits(m, in)
	case ids != nil:
		t5 := m.(models.TextToText)
		state := t5.Decode(ids.Int64s(), slices.Repeat([]int64{ids.Dim(1)}, int(ids.Dim(0))), hidden, in)
		return t5.Logits(state).Reshape(ids.Dim(0), ids.Dim(1), -1)
	}
	return modeltest.Golden(g).Padded(hidden)
}

func newScope(t *testing.T) *torch.Scope {
	t.Helper()
	torchtest.NoLeaks(t)
	s := torch.NewScope(torch.NoGrad())
	t.Cleanup(s.Close)
	return s
}

// within fails the test if a tensor is further than the tolerance from what is
// wanted.
func within(t *testing.T, what string, got, want *torch.Tensor) {
	t.Helper()
	if want == nil {
		t.Fatalf("%s: no golden: run make_golden.py", what)
	}
	if !slices.Equal(got.Shape(), want.Shape()) {
		t.Fatalf("%s: shape %v, want %v", what, got.Shape(), want.Shape())
	}
	worst := slices.Max(got.Sub(want).Abs().Float32s())
	if !(worst <= tolerance) {
		t.Errorf("%s: off by %g", what, worst)
	}
}

// computed is what a model computes with an adapter of gopet.
func computed(t *testing.T, g golden, base, adapter string) *torch.Tensor {
	t.Helper()
	config, err := pet.ReadAdapterConfig(adapter)
	if err != nil {
		t.Fatal(err)
	}
	options := models.Options{DType: torch.Float32, Device: torch.CPU}
	if config.Head {
		options.Labels = config.Labels
	}
	m, err := models.Load(base, options)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	print, err := models.Fingerprint(m.Base())
	if err != nil {
		t.Fatal(err)
	}
	a, err := pet.LoadAdapter(adapter, m, print, false)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Detach()
	return g.logits(m)
}

// imported is an adapter of another library as one of gopet.
func imported(t *testing.T, o peft.ImportOptions) string {
	t.Helper()
	o.Out = filepath.Join(t.TempDir(), "adapter")
	if _, err := peft.Import(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return o.Out
}

func namesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

var families = []string{"bert", "bare", "t5"}

// foreign lists the adapters of other libraries for a family: their
// directories by name.
func foreign(t *testing.T, family string) map[string]string {
	t.Helper()
	dirs := map[string]string{}
	for _, library := range []string{"peft", "adapters"} {
		dir := filepath.Join("testdata", family, library)
		for _, name := range namesIn(t, dir) {
			dirs[name] = filepath.Join(dir, name)
		}
	}
	return dirs
}

func TestImportedAdaptersComputeWhatTheyDid(t *testing.T) {
	for _, family := range families {
		base := filepath.Join("testdata", family)
		for name, dir := range foreign(t, family) {
			t.Run(family+"/"+name, func(t *testing.T) {
				s := newScope(t)
				g := goldenOf(t, s, base)
				adapter := imported(t, peft.ImportOptions{Adapter: dir, Model: base})
				within(t, "logits", computed(t, g, base, adapter), g["logits."+name])
			})
		}
	}
}
