package t5

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/torch"
)

// tolerance is how far a tensor may be from transformers', times
// max(1, its largest magnitude).
const tolerance = 2e-5

// cases are the random models of testdata/make_golden.py.
var cases = []string{"tied", "gated", "resaved", "headless"}

var cpu32 = models.Options{DType: torch.Float32, Device: torch.CPU}

func TestMain(m *testing.M) { torchtest.Main(m) }

func TestMatchesTransformers(t *testing.T) {
	for _, name := range cases {
		t.Run(name, func(t *testing.T) {
			s := newScope(t)
			golden := readGolden(t, s, filepath.Join("testdata", name, "golden.safetensors"))
			m := load32(t, filepath.Join("testdata", name))
			in := golden.input()

			parameters := m.Registry().Parameters()
			for _, p := range parameters {
				p.Tensor.SetRequiresGrad(true)
			}
			hidden := models.Hidden(m, in)
			logits := m.Decode(golden["decoder_input_ids"], hidden, in)
			loss := torch.CrossEntropy(logits.Reshape(-1, logits.Dim(2)), golden["labels"].Reshape(-1), nil, torch.ReduceMean)
			loss.Backward()

			within(t, "hidden", golden.realPositions(hidden), golden["hidden"], tolerance)
			within(t, "logits", logits, golden["logits"], tolerance)
			within(t, "loss", loss, golden["loss"], tolerance)
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

// Half precision is held loosely: it stores 8 bits of a mantissa. On these
// models transformers' own bfloat16 is up to 0.058 from its float32.
func TestBFloat16IsNearFloat32(t *testing.T) {
	for _, name := range cases {
		t.Run(name, func(t *testing.T) {
			s := newScope(t)
			golden := readGolden(t, s, filepath.Join("testdata", name, "golden.safetensors"))
			m := loadWith(t, filepath.Join("testdata", name), models.Options{DType: torch.BFloat16, Device: torch.CPU})
			in := golden.input()
			hidden := models.Hidden(m, in)
			logits := m.Decode(golden["decoder_input_ids"], hidden, in)
			within(t, "hidden", golden.realPositions(hidden.ToDType(torch.Float32)), golden["hidden"], 0.06)
			within(t, "logits", logits, golden["logits"], 0.06)
			if logits.DType() != torch.Float32 {
				t.Errorf("logits are %v, want float32", logits.DType())
			}
			for _, norm := range m.Registry().LayerNorms() {
				if got := norm.Weight.Tensor.DType(); got != torch.Float32 {
					t.Errorf("%s is %v, want float32", norm.Weight.Name, got)
				}
			}
			m.Generate(hidden, in, models.GenerateOptions{MaxNewTokens: 3, NumBeams: 2})
		})
	}
}

// written is an entry of texts.json.
type written struct {
	Options struct {
		MaxNewTokens  int     `json:"max_new_tokens"`
		NumBeams      int     `json:"num_beams"`
		LengthPenalty float64 `json:"length_penalty"`
		EarlyStopping bool    `json:"early_stopping"`
	}
	Texts [][]int64
}

func TestGeneratesWhatTransformersDoes(t *testing.T) {
	for _, name := range cases {
		m := load32(t, filepath.Join("testdata", name))
		for setting, want := range readTexts(t, name) {
			t.Run(name+"/"+setting, func(t *testing.T) {
				s := newScope(t)
				golden := readGolden(t, s, filepath.Join("testdata", name, "golden.safetensors"))
				in := golden.input()
				alive := torch.LiveTensors()
				hidden := models.Hidden(m, in)
				made := torch.LiveTensors() - alive
				alive = torch.LiveTensors()
				got := m.Generate(hidden, in, models.GenerateOptions(want.Options))
				if left := torch.LiveTensors() - alive; left != 0 {
					t.Errorf("generation left %d tensors (the encoder made %d)", left, made)
				}
				if fmt.Sprint(got) != fmt.Sprint(want.Texts) {
					t.Errorf("got  %v\nwant %v", got, want.Texts)
				}
			})
		}
	}
}

func TestBucketsAreTransformers(t *testing.T) {
	var entries []struct {
		Causal      bool
		Buckets     int64
		MaxDistance int64 `json:"max_distance"`
		Starts      [][2]int64
	}
	readJSON(t, filepath.Join("testdata", "buckets.json"), &entries)
	for _, e := range entries {
		p := positionBias{causal: e.Causal, buckets: e.Buckets, maxDistance: e.MaxDistance}
		for i, start := range e.Starts {
			end := int64(2001)
			if i+1 < len(e.Starts) {
				end = e.Starts[i+1][0]
			}
			for distance := start[0]; distance < end; distance++ {
				if got := p.bucket(distance); got != start[1] {
					t.Errorf("causal %v, %d buckets to %d: distance %d is in bucket %d, want %d",
						e.Causal, e.Buckets, e.MaxDistance, distance, got, start[1])
				}
			}
		}
	}
	if len(entries) < 10 {
		t.Errorf("only %d tables", len(entries))
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

func (g golden) input() models.Input {
	return models.Input{IDs: g["input_ids"], Mask: g["attention_mask"].ToDType(torch.Bool)}
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

func readTexts(t *testing.T, name string) map[string]written {
	t.Helper()
	texts := map[string]written{}
	readJSON(t, filepath.Join("testdata", name, "texts.json"), &texts)
	return texts
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func load32(t *testing.T, dir string) *Model {
	t.Helper()
	return loadWith(t, dir, cpu32)
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
	torchtest.NoLeaks(t)
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
