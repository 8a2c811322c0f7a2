package bert

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// tolerance is how far a tensor may be from transformers', times
// max(1, its largest magnitude).
const tolerance = 2e-5

// cases are the random models of testdata/make_golden.py.
var cases = []string{"pooler", "bare", "classifier", "legacy", "bfloat16", "float16"}

func TestMatchesTransformers(t *testing.T) {
	for _, name := range cases {
		t.Run(name, func(t *testing.T) {
			s := newScope(t)
			golden := readGolden(t, s, filepath.Join("testdata", name, "golden.safetensors"))
			m := loadCase(t, name, golden, torch.Float32)
			in := golden.input(s)

			parameters := m.Registry().Parameters()
			for _, p := range parameters {
				p.Tensor.SetRequiresGrad(true)
			}
			hidden := models.Hidden(m, in)
			logits := m.Classify(hidden, in)
			loss := torch.CrossEntropy(logits, golden["labels"], nil, torch.ReduceMean)
			loss.Backward()

			within(t, "hidden", golden.realPositions(hidden), golden["hidden"], tolerance)
			within(t, "logits", logits, golden["logits"], tolerance)
			within(t, "loss", loss, golden["loss"], tolerance)
			if want, ok := golden["pooled"]; ok {
				within(t, "pooled", m.Pooled(hidden), want, tolerance)
			}
			for _, p := range parameters {
				got, want := p.Tensor.Grad(s), golden["grad."+p.Name]
				if got == nil || want == nil {
					t.Errorf("gradient of %s: got %v, want %v", p.Name, got, want)
					continue
				}
				within(t, "gradient of "+p.Name, got, want, tolerance)
			}
			if got, want := len(parameters), golden.gradients(); got != want {
				t.Errorf("%d parameters, transformers has %d", got, want)
			}
		})
	}
}

// Half precision is held loosely: it stores 8 bits of a mantissa, and norms
// and softmax are computed otherwise than in transformers.
func TestBFloat16IsNearFloat32(t *testing.T) {
	for _, name := range cases {
		t.Run(name, func(t *testing.T) {
			s := newScope(t)
			golden := readGolden(t, s, filepath.Join("testdata", name, "golden.safetensors"))
			m := loadCase(t, name, golden, torch.BFloat16)
			in := golden.input(s)
			hidden := models.Hidden(m, in)
			logits := m.Classify(hidden, in)
			within(t, "hidden", golden.realPositions(hidden.ToDType(torch.Float32)), golden["hidden"], 0.02)
			within(t, "logits", logits, golden["logits"], 0.02)
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
			s := newScope(t)
			golden := readGolden(t, s, filepath.Join("testdata", name+".safetensors"))
			m := load32(t, dir, nil)
			hidden := models.Hidden(m, golden.input(s))
			within(t, "hidden", golden.realPositions(hidden), golden["hidden"], tolerance)
		})
	}
}

func TestActivationsMatchTransformers(t *testing.T) {
	s := newScope(t)
	golden := readGolden(t, s, filepath.Join("testdata", "activations.safetensors"))
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
		within(t, name, f(golden["x"]), want, 1e-6)
	}
}

// golden is a file of testdata/make_golden.py.
type golden map[string]*torch.Tensor

func readGolden(t *testing.T, s *torch.Scope, path string) golden {
	t.Helper()
	file, err := checkpoint.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	g := golden{}
	for _, name := range file.Names() {
		info, _ := file.Info(name)
		dtype := torch.Float32
		if info.DType == checkpoint.Int64 {
			dtype = torch.Int64
		}
		g[name] = torch.Empty(s, dtype, info.Shape...)
		if err := file.ReadInto(name, g[name].Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func (g golden) input(s *torch.Scope) models.Input {
	return models.Input{IDs: g["input_ids"], Types: g["token_type_ids"], Mask: g["attention_mask"].ToDType(torch.Bool)}
}

// realPositions sets the hidden state of padding to zero, as the golden has it.
func (g golden) realPositions(hidden *torch.Tensor) *torch.Tensor {
	return hidden.Mul(g["attention_mask"].Unsqueeze(2).ToDType(hidden.DType()))
}

func (g golden) gradients() int {
	n := 0
	for name := range g {
		if strings.HasPrefix(name, "grad.") {
			n++
		}
	}
	return n
}

// loadCase loads a random model; where its file has no head it gets the
// golden's.
func loadCase(t *testing.T, name string, g golden, dtype torch.DType) *Model {
	t.Helper()
	var labels []string
	weight, newHead := g["head.weight"]
	if newHead {
		for i := range weight.Dim(0) {
			labels = append(labels, fmt.Sprint("class ", i))
		}
	}
	m := loadWith(t, filepath.Join("testdata", name), models.Options{DType: dtype, Device: torch.CPU, Labels: labels})
	if newHead {
		m.head.linear.Weight.Tensor.CopyFrom(weight)
		m.head.linear.Bias.Tensor.CopyFrom(g["head.bias"])
	}
	return m
}

func load32(t *testing.T, dir string, labels []string) *Model {
	t.Helper()
	return loadWith(t, dir, models.Options{DType: torch.Float32, Device: torch.CPU, Labels: labels})
}

func loadWith(t *testing.T, dir string, o models.Options) *Model {
	t.Helper()
	m, err := models.Load(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, p := range m.Registry().Parameters() {
			torch.ZeroGrad(p.Tensor)
		}
		m.Close()
	})
	return m.(*Model)
}

// newScope is a scope for one test, which must free what it makes.
func newScope(t *testing.T) *torch.Scope {
	t.Helper()
	before := torch.LiveTensors()
	t.Cleanup(func() {
		if after := torch.LiveTensors(); after != before {
			t.Errorf("%d live tensors, %d before the test", after, before)
		}
	})
	s := torch.NewScope()
	t.Cleanup(s.Close)
	return s
}

// within checks that |got-want| is at most limit times max(1, |want|'s largest).
func within(t *testing.T, what string, got, want *torch.Tensor, limit float64) {
	t.Helper()
	if !slices.Equal(got.Shape(), want.Shape()) {
		t.Errorf("%s: shape %v, want %v", what, got.Shape(), want.Shape())
		return
	}
	largest := math.Max(1, want.Abs().Max().Item())
	difference := got.Sub(want).Abs().Max().Item()
	if !(difference <= limit*largest) {
		t.Errorf("%s: differs by %.3g, at most %.3g allowed", what, difference, limit*largest)
	}
}
