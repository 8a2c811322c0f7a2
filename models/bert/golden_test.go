package bert

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/gopet-ml/gopet/internal/modeltest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// cases are the random models of testdata/make_golden.py.
var cases = []string{"pooler", "bare", "classifier", "legacy", "bfloat16", "float16"}

func TestMatchesTransformers(t *testing.T) {
	for _, name := range cases {
		t.Run(name, func(t *testing.T) {
			s := modeltest.NewScope(t)
			golden := modeltest.ReadGolden(t, s, "testdata", name, "golden.safetensors")
			m := loadCase(t, name, golden, torch.Float32)
			in := golden.Input()

			parameters := m.Registry().Parameters()
			for _, p := range parameters {
				p.Tensor.SetRequiresGrad(true)
			}
			hidden := models.Hidden(m, in)
			logits := m.Classify(hidden, in)
			loss := torch.CrossEntropy(logits, golden["labels"], nil, torch.ReduceMean)
			loss.Backward()

			modeltest.Within(t, "hidden", golden.Padded(hidden), golden["hidden"], modeltest.Tolerance)
			modeltest.Within(t, "logits", logits, golden["logits"], modeltest.Tolerance)
			modeltest.Within(t, "loss", loss, golden["loss"], modeltest.Tolerance)
			if want, ok := golden["pooled"]; ok {
				modeltest.Within(t, "pooled", m.Pooled(hidden, in), want, modeltest.Tolerance)
			}
			golden.HoldsGradients(t, s, m)
		})
	}
}

// Half precision is held loosely: it stores 8 bits of a mantissa, and norms
// and softmax are computed otherwise than in transformers.
func TestBFloat16IsNearFloat32(t *testing.T) {
	for _, name := range cases {
		t.Run(name, func(t *testing.T) {
			s := modeltest.NewScope(t)
			golden := modeltest.ReadGolden(t, s, "testdata", name, "golden.safetensors")
			m := loadCase(t, name, golden, torch.BFloat16)
			in := golden.Input()
			hidden := models.Hidden(m, in)
			logits := m.Classify(hidden, in)
			modeltest.Within(t, "hidden", golden.Padded(hidden.ToDType(torch.Float32)), golden["hidden"], 0.02)
			modeltest.Within(t, "logits", logits, golden["logits"], 0.02)
			if logits.DType() != torch.Float32 {
				t.Errorf("logits are %v, want float32", logits.DType())
			}
			norms := m.Registry().LayerNorms()
			if got := norms[0].Weight.Tensor.DType(); got != torch.Float32 {
				t.Errorf("LayerNorm weights are %v, want float32", got)
			}
		})
	}
}

func TestMiniLMMatchesTransformers(t *testing.T) {
	for name, dir := range map[string]string{
		"minilm-l3": filepath.Join("..", "..", "..", "shared", "checkpoints", "minilm-l3"),
		"minilm-l6": os.Getenv("GOPET_MINILM_L6"),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(dir, "config.json")); err != nil {
				t.Skipf("no checkpoint in %q (GOPET_MINILM_L6 names the directory of all-MiniLM-L6-v2; make test sets it)", dir)
			}
			s := modeltest.NewScope(t)
			golden := modeltest.ReadGolden(t, s, "testdata", name+".safetensors")
			m := load32(t, dir, nil)
			hidden := models.Hidden(m, golden.Input())
			modeltest.Within(t, "hidden", golden.Padded(hidden), golden["hidden"], modeltest.Tolerance)
		})
	}
}

func TestActivationsMatchTransformers(t *testing.T) {
	s := modeltest.NewScope(t)
	golden := modeltest.ReadGolden(t, s, "testdata", "activations.safetensors")
	for _, name := range nn.ActivationNames() {
		f, err := nn.Activation(name)
		if err != nil {
			t.Fatal(err)
		}
		want, ok := golden[name]
		if !ok {
			t.Errorf("no golden for %s", name)
			continue
		}
		modeltest.Within(t, name, f.Apply(golden["x"]), want, 1e-6)
	}
}

// loadCase loads a random model; where its file has no head it gets the
// golden's.
func loadCase(t *testing.T, name string, g modeltest.Golden, dtype torch.DType) *Model {
	t.Helper()
	var labels []string
	weight, newHead := g["head.weight"]
	if newHead {
		for i := range weight.Dim(0) {
			labels = append(labels, fmt.Sprint("class ", i))
		}
	}
	m := modeltest.Load[*Model](t, filepath.Join("testdata", name), models.Options{DType: dtype, Device: torch.CPU, Labels: labels})
	if newHead {
		m.head.linear.Weight.Tensor.CopyFrom(weight)
		m.head.linear.Bias.Tensor.CopyFrom(g["head.bias"])
	}
	return m
}

func load32(t *testing.T, dir string, labels []string) *Model {
	t.Helper()
	return modeltest.Load[*Model](t, dir, models.Options{DType: torch.Float32, Device: torch.CPU, Labels: labels})
}
