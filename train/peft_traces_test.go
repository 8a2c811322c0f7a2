package train

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/data/tokenizer"
	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/peft"
	"github.com/gopet-ml/gopet/torch"
)

// The traces of make_peft_traces.py: training is peft's, from the same adapter
// files on.
func TestTracesOfPEFT(t *testing.T) {
	const dir = "testdata/peft"
	t.Run("bert", func(t *testing.T) { followPEFTTraces(t, filepath.Join(dir, "bert"), "testdata/tiny") })
	for _, name := range []string{"t5-relu", "t5-gated"} {
		t.Run(name, func(t *testing.T) { followPEFTTraces(t, filepath.Join(dir, name), filepath.Join(dir, name)) })
	}
}

// followPEFTTraces follows every trace in dir; model holds the base and the batches.
func followPEFTTraces(t *testing.T, dir, model string) {
	var all traces
	if err := readJSON(filepath.Join(dir, "traces.json"), &all); err != nil {
		t.Fatal(err)
	}
	for name, tr := range all.Traces {
		t.Run(name, func(t *testing.T) { followPEFTTrace(t, filepath.Join(dir, name), model, &all, tr, 0) })
	}
	// Parts of 5 rows have other lengths and numbers of tokens than the batch.
	t.Run("in micro-batches", func(t *testing.T) {
		followPEFTTrace(t, filepath.Join(dir, "lora-qv"), model, &all, all.Traces["lora-qv"], 5)
	})
}

func followPEFTTrace(t *testing.T, dir, modelDir string, all *traces, tr trace, microBatch int) {
	torchtest.NoLeaks(t)
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	batches := openTensors(t, filepath.Join(modelDir, "batches.safetensors"))
	tuned := openTuned(t, modelDir, filepath.Join(dir, "start"))
	defer tuned.Close()
	if got := tuned.attached.Count(); got != tr.K {
		t.Errorf("%d values are tuned, want %d", got, tr.K)
	}
	trainer := &trainer{config: Config{MicroBatch: microBatch}, Inference: tuned, skill: skillOf(tuned)}
	followSteps(t, trainer, all, tr, func(step int64) *batch.Batch { return traceBatch(t, s, batches, step) })

	want := openTuned(t, modelDir, filepath.Join(dir, "final"))
	defer want.Close()
	compareTuned(t, s, tuned.attached, want.attached)
}

// openTuned loads a model with an adapter of a trace.
func openTuned(t *testing.T, modelDir, adapter string) *Inference {
	t.Helper()
	model, err := models.Load(modelDir, models.Options{DType: torch.Float32, Device: torchtest.Device})
	if err != nil {
		t.Fatal(err)
	}
	model.SetDropout(0)
	i := &Inference{Model: model, Tokenizer: &tokenizer.Tokenizer{}, device: torchtest.Device}
	if _, err := os.Stat(filepath.Join(adapter, pet.AdapterConfigFile)); err == nil {
		i.attached = attachImported(t, model, modelDir, adapter)
	} else {
		i.attached = attachPlain(t, model, adapter)
	}
	return i
}

// attachImported attaches an adapter that peft saved.
func attachImported(t *testing.T, model models.Model, modelDir, adapter string) *pet.Attached {
	t.Helper()
	ours := filepath.Join(t.TempDir(), "adapter")
	if _, err := peft.Import(t.Context(), peft.ImportOptions{Adapter: adapter, Model: modelDir, Out: ours}); err != nil {
		t.Fatal(err)
	}
	fingerprint, err := models.Fingerprint(model.Base())
	if err != nil {
		t.Fatal(err)
	}
	attached, err := pet.LoadAdapter(ours, model, fingerprint, true)
	if err != nil {
		t.Fatal(err)
	}
	return attached
}

// attachPlain attaches the method that the adapter's directory lies under the
// name of, with the values of its tensors.
func attachPlain(t *testing.T, model models.Model, adapter string) *pet.Attached {
	t.Helper()
	method, err := pet.Lookup(filepath.Base(filepath.Dir(adapter)))
	if err != nil {
		t.Fatal(err)
	}
	attached, err := pet.Attach(model, method, pet.Options{Bottleneck: 5}, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := attached.LoadTensors(filepath.Join(adapter, "tensors.safetensors")); err != nil {
		t.Fatal(err)
	}
	return attached
}

func skillOf(i *Inference) skill {
	if m, ok := i.Model.(models.TextToText); ok {
		return newByText(i, m)
	}
	return &byHead{i: i, model: i.Model.(models.Classifier)}
}

// compareTuned compares what two adapters hold, and their heads.
func compareTuned(t *testing.T, s *torch.Scope, got, want *pet.Attached) {
	t.Helper()
	gotList, wantList := tensorsOf(s, got), tensorsOf(s, want)
	if len(gotList) != len(wantList) {
		t.Fatalf("%d tensors, want %d", len(gotList), len(wantList))
	}
	for i, g := range gotList {
		w := wantList[i]
		if g.Name != w.Name || !slices.Equal(g.Tensor.Shape(), w.Tensor.Shape()) {
			t.Fatalf("%s %v, want %s %v", g.Name, g.Tensor.Shape(), w.Name, w.Tensor.Shape())
		}
		if isRounding(g.Name) {
			continue
		}
		values := w.Tensor.ToDType(torch.Float32)
		diff := g.Tensor.ToDType(torch.Float32).Sub(values).Abs().Max().Item()
		if diff > 2e-5*math.Max(1, values.Abs().Max().Item()) {
			t.Errorf("%s differs by %g after the last step", g.Name, diff)
		}
	}
}

func tensorsOf(s *torch.Scope, a *pet.Attached) []pet.NamedTensor {
	list := a.Save(s)
	for _, p := range a.Head {
		list = append(list, pet.NamedTensor{Name: p.Name, Tensor: p.Tensor.In(s)})
	}
	return list
}
