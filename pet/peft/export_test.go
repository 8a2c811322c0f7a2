package peft_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/peft"
	"github.com/gopet-ml/gopet/torch"
)

// exported are the adapters of gopet whose exports are in testdata/exported,
// beside all those that were imported. A name that ends in pooler is exported
// with one.
var exported = map[string]map[string]struct {
	method  string
	options pet.Options
}{
	"bert": {
		"apet-discrete": {"apet-discrete", pet.Options{K: 137, Seed: 3}},
		"apet-adjacent": {"apet-adjacent", pet.Options{K: 90, Targets: `.*\.1\..*(query|output\.dense)\.weight`, Seed: 4}},
		"bitfit":        {"bitfit", pet.Options{Seed: 8}},
		"lora-pooling":  {"lora", pet.Options{Rank: 2, Targets: `(bert\.pooler\.dense)\.weight`, Seed: 14}},
	},
	"bare": {
		"lora":          {"lora", pet.Options{Rank: 2, Seed: 10}},
		"lora-pooler":   {"lora", pet.Options{Rank: 2, Targets: "all-linear", Seed: 10}},
		"prompt-pooler": {"prompt", pet.Options{Prompt: 3, Seed: 11}},
		"apet-pooler":   {"apet-discrete", pet.Options{K: 99, Seed: 12}},
		"houlsby":       {"adapter", pet.Options{Bottleneck: 5, Placement: "houlsby", Seed: 13}},
	},
	"t5": {
		"apet-discrete": {"apet-discrete", pet.Options{K: 301, Seed: 5}},
		"apet-qv":       {"apet-discrete", pet.Options{K: 200, Targets: "qv", Seed: 6}},
		"apet-output":   {"apet-adjacent", pet.Options{K: 71, Targets: `lm_head\.weight`, Seed: 7}},
		"bitfit":        {"bitfit", pet.Options{Seed: 9}},
	},
}

// made tunes a model: every tuned entry gets a value of its own.
func made(t *testing.T, base, method string, o pet.Options) string {
	t.Helper()
	labels := []string{"low", "middle", "high"}
	m, err := models.Load(base, models.Options{DType: torch.Float32, Device: torch.CPU, Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	print, err := models.Fingerprint(m.Base())
	if err != nil {
		t.Fatal(err)
	}
	tuned, err := pet.Lookup(method)
	if err != nil {
		t.Fatal(err)
	}
	a, err := pet.Attach(m, tuned, o, true)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Detach()
	state := uint32(o.Seed)
	for _, p := range a.Params() {
		s := torch.NewScope(torch.NoGrad())
		values := make([]float32, p.Leaf.NumEl())
		for i := range values {
			state = state*1664525 + 1013904223            // Numerical Recipes' generator
			values[i] = float32(int32(state)>>16) / 65536 // up to a half
		}
		leaf := p.Leaf.In(s).Detach()
		leaf.CopyFrom(torch.FromSlice(s, values, p.Leaf.Shape()...))
		if p.Weight != nil {
			p.Weight.Put(p.Index, leaf)
		}
		s.Close()
	}
	dir := filepath.Join(t.TempDir(), "adapter")
	err = pet.SaveAdapter(dir, a, pet.Base{
		Model: base, Fingerprint: print, Task: "classify", Text: []string{"text"}, Label: "label", Labels: labels, MaxLength: 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// eachExported calls f with every adapter of gopet that is exported to
// testdata/exported.
func eachExported(t *testing.T, f func(t *testing.T, family, name, adapter string)) {
	for _, family := range families {
		base := filepath.Join("testdata", family)
		for name, dir := range foreign(t, family) {
			t.Run(family+"/"+name, func(t *testing.T) {
				f(t, family, name, imported(t, peft.ImportOptions{Adapter: dir, Model: base}))
			})
		}
		for name, adapter := range exported[family] {
			t.Run(family+"/"+name, func(t *testing.T) { f(t, family, name, made(t, base, adapter.method, adapter.options)) })
		}
	}
}

func export(t *testing.T, o peft.ExportOptions) string {
	t.Helper()
	o.Out = filepath.Join(t.TempDir(), "exported")
	if _, err := peft.Export(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return o.Out
}

// TestExports holds exports to the committed ones, byte for byte, which peft
// and package adapters have read: the scripts of testdata say what they compute with them.
func TestExports(t *testing.T) {
	eachExported(t, func(t *testing.T, family, name, adapter string) {
		s := newScope(t)
		base, committed := filepath.Join("testdata", family), filepath.Join("testdata", "exported", family, name)
		out := export(t, peft.ExportOptions{Adapter: adapter, Pooler: strings.HasSuffix(name, "pooler")})
		if *update {
			if err := os.RemoveAll(committed); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(committed, os.DirFS(out)); err != nil {
				t.Fatal(err)
			}
			return
		}
		sameFiles(t, out, committed)
		g := goldenOf(t, s, base)
		within(t, "logits", computed(t, g, base, adapter), g["logits.exported."+name])
	})
}

// Every committed export is one that TestExports makes.
func TestEveryCommittedExportIsMade(t *testing.T) {
	for _, family := range families {
		known := foreign(t, family)
		for name := range exported[family] {
			known[name] = name
		}
		committed := namesIn(t, filepath.Join("testdata", "exported", family))
		if names := slices.Sorted(maps.Keys(known)); !slices.Equal(names, committed) {
			t.Errorf("%s: committed are %q, made %q", family, committed, names)
		}
	}
}

func TestAnExportSaysWhatItDid(t *testing.T) {
	torchtest.NoLeaks(t)
	out := filepath.Join(t.TempDir(), "out")
	got, err := peft.Export(t.Context(), peft.ExportOptions{Adapter: made(t, "testdata/bert", "adapter", pet.Options{Bottleneck: 5}), Out: out})
	if err != nil {
		t.Fatal(err)
	}
	want := &peft.Exported{Method: "adapter", Format: "adapters", Kind: "bottleneck", Out: out, Remarks: []string{
		"the adapters package reads it with use_safetensors=True", "it goes with a base that transformers loads with num_labels=3"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// transformers gives every classifier a pooler, so an export without one says so.
func TestABaseWithoutPoolerIsRemarked(t *testing.T) {
	torchtest.NoLeaks(t)
	for _, test := range []struct {
		method string
		pooler bool
		want   bool
	}{{"lora", false, true}, {"lora", true, false}, {"bitfit", false, true}, {"adapter", false, false}} {
		got, err := peft.Export(t.Context(), peft.ExportOptions{
			Adapter: made(t, "testdata/bare", test.method, pet.Options{}), Pooler: test.pooler, Out: filepath.Join(t.TempDir(), "out"),
		})
		if err != nil {
			t.Fatal(err)
		}
		remarked := slices.ContainsFunc(got.Remarks, func(r string) bool { return strings.HasPrefix(r, "its base has no pooler") })
		if remarked != test.want {
			t.Errorf("%s: remarks %q", test.method, got.Remarks)
		}
	}
}

// TestWhatIsExportedComesBack: the same files, but for rounding where a value
// went out as its difference from the base.
func TestWhatIsExportedComesBack(t *testing.T) {
	eachExported(t, func(t *testing.T, family, name, adapter string) {
		s := newScope(t)
		base := filepath.Join("testdata", family)
		out := export(t, peft.ExportOptions{Adapter: adapter, Pooler: strings.HasSuffix(name, "pooler")})
		again := imported(t, peft.ImportOptions{Adapter: out, Model: base})
		before, after := readConfig(t, adapter), readConfig(t, again)
		if before != after {
			t.Errorf("configuration before\n%s\nand after\n%s", before, after)
		}
		first, second := readTensors(t, s, filepath.Join(adapter, pet.AdapterModelFile)), readTensors(t, s, filepath.Join(again, pet.AdapterModelFile))
		if len(first) != len(second) {
			t.Fatalf("%d tensors before, %d after", len(first), len(second))
		}
		for name := range first {
			if !strings.HasSuffix(name, "apet_index") {
				within(t, name, second[name], first[name])
			} else if !slices.Equal(first[name].Bytes(), second[name].Bytes()) {
				t.Errorf("%s differs", name)
			}
		}
	})
}

func readConfig(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, pet.AdapterConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func sameFiles(t *testing.T, got, want string) {
	t.Helper()
	if a, b := namesIn(t, got), namesIn(t, want); !slices.Equal(a, b) {
		t.Fatalf("files %q, want %q", a, b)
	}
	for _, name := range namesIn(t, want) {
		a, err := os.ReadFile(filepath.Join(got, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(want, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs from the one in %s", name, want)
		}
	}
}
