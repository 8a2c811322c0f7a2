package t5

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gopet-ml/gopet/internal/modeltest"
	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
)

// cases are the random models of testdata/make_golden.py.
var cases = []string{"tied", "gated", "resaved", "headless"}

func TestMain(m *testing.M) { torchtest.Main(m) }

func TestMatchesTransformers(t *testing.T) {
	for _, name := range cases {
		t.Run(name, func(t *testing.T) {
			s := modeltest.NewScope(t)
			golden := modeltest.ReadGolden(t, s, "testdata", name, "golden.safetensors")
			m := load32(t, filepath.Join("testdata", name))
			in := golden.Input()

			for _, p := range m.Registry().Parameters() {
				p.Tensor.SetRequiresGrad(true)
			}
			hidden := models.Hidden(m, in)
			logits := decode(m, golden["decoder_input_ids"], hidden, in)
			loss := torch.CrossEntropy(logits.Reshape(-1, logits.Dim(2)), golden["labels"].Reshape(-1), nil, torch.ReduceMean)
			loss.Backward()

			modeltest.Within(t, "hidden", golden.Padded(hidden), golden["hidden"], modeltest.Tolerance)
			modeltest.Within(t, "logits", logits, golden["logits"], modeltest.Tolerance)
			modeltest.Within(t, "loss", loss, golden["loss"], modeltest.Tolerance)
			golden.HoldsGradients(t, s, m)
		})
	}
}

// Where the position biases are frozen, attention has another kernel.
func TestGradientsBesideFrozenPositions(t *testing.T) {
	for _, name := range cases {
		s := modeltest.NewScope(t)
		golden := modeltest.ReadGolden(t, s, "testdata", name, "golden.safetensors")
		m := load32(t, filepath.Join("testdata", name))
		in := golden.Input()
		for _, l := range m.Registry().Linears() {
			l.Weight.Tensor.SetRequiresGrad(true)
		}
		logits := decode(m, golden["decoder_input_ids"], models.Hidden(m, in), in)
		torch.CrossEntropy(logits.Reshape(-1, logits.Dim(2)), golden["labels"].Reshape(-1), nil, torch.ReduceMean).Backward()
		for _, l := range m.Registry().Linears() {
			modeltest.Within(t, name+": gradient of "+l.Weight.Name, l.Weight.Tensor.Grad(s), golden["grad."+l.Weight.Name], modeltest.Tolerance)
		}
	}
}

// Half precision is held loosely: it stores 8 bits of a mantissa. On these
// models transformers' own bfloat16 is up to 0.058 from its float32.
func TestBFloat16IsNearFloat32(t *testing.T) {
	for _, name := range cases {
		t.Run(name, func(t *testing.T) {
			s := modeltest.NewScope(t)
			golden := modeltest.ReadGolden(t, s, "testdata", name, "golden.safetensors")
			m := modeltest.Load[*Model](t, filepath.Join("testdata", name), models.Options{DType: torch.BFloat16, Device: torch.CPU})
			in := golden.Input()
			hidden := models.Hidden(m, in)
			logits := decode(m, golden["decoder_input_ids"], hidden, in)
			modeltest.Within(t, "hidden", golden.Padded(hidden.ToDType(torch.Float32)), golden["hidden"], 0.06)
			modeltest.Within(t, "logits", logits, golden["logits"], 0.06)
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
				s := modeltest.NewScope(t)
				golden := modeltest.ReadGolden(t, s, "testdata", name, "golden.safetensors")
				in := golden.Input()
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
	modeltest.ReadJSON(t, filepath.Join("testdata", "buckets.json"), &entries)
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

// decode returns the logits [rows, length, vocabulary] for ids [rows, length].
func decode(m *Model, ids, hidden *torch.Tensor, in models.Input) *torch.Tensor {
	lengths := slices.Repeat([]int64{ids.Dim(1)}, int(ids.Dim(0)))
	return m.Logits(m.Decode(ids.Int64s(), lengths, hidden, in)).Reshape(ids.Dim(0), ids.Dim(1), -1)
}

func readTexts(t *testing.T, name string) map[string]written {
	t.Helper()
	texts := map[string]written{}
	modeltest.ReadJSON(t, filepath.Join("testdata", name, "texts.json"), &texts)
	return texts
}

func load32(t *testing.T, dir string) *Model {
	t.Helper()
	return modeltest.Load[*Model](t, dir, modeltest.CPU32)
}
