package bert

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/modeltest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/checkpoint"
)

func TestBadConfigIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		field string
		value any
		want  string
	}{
		"other family":     {"model_type", "t5", `model_type "t5" is not supported: want bert`},
		"activation":       {"hidden_act", "mish", `hidden_act: activation "mish" is not supported: want one of gelu,`},
		"positions":        {"position_embedding_type", "relative_key", `position_embedding_type "relative_key" is not supported: want absolute`},
		"decoder":          {"is_decoder", true, "decoder"},
		"heads":            {"num_attention_heads", 5, "hidden_size 18 is not a multiple of num_attention_heads 5"},
		"missing size":     {"hidden_size", nil, "hidden_size is missing or 0"},
		"negative size":    {"vocab_size", -1, "vocab_size is -1: want 1 to 16777216"},
		"absurd size":      {"intermediate_size", 1 << 40, "intermediate_size is 1099511627776"},
		"absurd depth":     {"num_hidden_layers", 1 << 20, "num_hidden_layers is 1048576: want 1 to 1000"},
		"wrong type":       {"hidden_size", "big", "hidden_size"},
		"dropout":          {"hidden_dropout_prob", 1.0, "hidden_dropout_prob is 1: want 0 or more and below 1"},
		"eps":              {"layer_norm_eps", 0.0, "layer_norm_eps is 0: want more than 0"},
		"too few labels":   {"id2label", map[string]string{"0": "a"}, "id2label names 1 classes, but classifier.weight has 3"},
		"unnamed label":    {"id2label", map[string]string{"0": "a", "1": "b", "7": "c"}, "id2label does not name class 2"},
		"head of tokens":   {"architectures", []string{"BertForTokenClassification"}, "the head of BertForTokenClassification does not classify sequences"},
		"sizes of another": {"hidden_size", 20, `tensor "bert.embeddings.word_embeddings.weight" has shape [61 18], but config.json says [61 20]`},
		"more layers":      {"num_hidden_layers", 3, `tensor "bert.encoder.layer.2.attention.self.query.weight" is missing`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := modeltest.Copy(t, "testdata", "classifier")
			modeltest.EditConfig(t, dir, test.field, test.value)
			modeltest.Refuses(t, dir, test.want)
		})
	}
}

func TestBadDirectoryIsRefused(t *testing.T) {
	modeltest.Refuses(t, filepath.Join(t.TempDir(), "nowhere"), "no such model directory")
	modeltest.Refuses(t, t.TempDir(), "no config.json: want a Hugging Face model directory")

	broken := modeltest.Copy(t, "testdata", "bare")
	if err := os.WriteFile(filepath.Join(broken, "config.json"), []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	modeltest.Refuses(t, broken, "config.json: unexpected end of JSON input")

	cut := modeltest.Copy(t, "testdata", "bare")
	if err := os.Truncate(filepath.Join(cut, "model.safetensors"), 20000); err != nil {
		t.Fatal(err)
	}
	modeltest.Refuses(t, cut, "model.safetensors")
}

func TestBadTensorsAreRefused(t *testing.T) {
	const bias = "bert.encoder.layer.1.output.dense.bias"
	for name, test := range map[string]struct {
		edit func(map[string]checkpoint.Tensor)
		want string
	}{
		"missing": {
			func(m map[string]checkpoint.Tensor) { delete(m, bias) },
			fmt.Sprintf("tensor %q is missing", bias),
		},
		"half a head": {
			func(m map[string]checkpoint.Tensor) { delete(m, "classifier.bias") },
			`tensor "classifier.bias" is missing`,
		},
		"half a pooler": {
			func(m map[string]checkpoint.Tensor) { delete(m, "bert.pooler.dense.bias") },
			`tensor "bert.pooler.dense.bias" is missing`,
		},
		"shape": {
			func(m map[string]checkpoint.Tensor) {
				tensor := m[bias]
				tensor.Shape = []int64{1, 18}
				m[bias] = tensor
			},
			fmt.Sprintf("tensor %q has shape [1 18], but config.json says [18]", bias),
		},
		"integers": {
			func(m map[string]checkpoint.Tensor) {
				tensor := m[bias]
				tensor.DType = checkpoint.Int32
				m[bias] = tensor
			},
			fmt.Sprintf("tensor %q is I32: want", bias),
		},
		"twice": {
			func(m map[string]checkpoint.Tensor) {
				tensor := m[bias]
				tensor.Name = strings.TrimPrefix(bias, "bert.")
				m[tensor.Name] = tensor
			},
			"are both " + bias,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := modeltest.Copy(t, "testdata", "classifier")
			modeltest.EditTensors(t, dir, test.edit)
			modeltest.Refuses(t, dir, test.want)
		})
	}
}

func TestUnusedTensorsAreNamed(t *testing.T) {
	dir := modeltest.Copy(t, "testdata", "legacy")
	modeltest.EditTensors(t, dir, func(m map[string]checkpoint.Tensor) {
		m["qa_outputs.bias"] = checkpoint.Tensor{Name: "qa_outputs.bias", DType: checkpoint.Float32, Shape: []int64{1}, Data: make([]byte, 4)}
	})
	m := load32(t, dir, nil)
	want := []string{`tensor "qa_outputs.bias" is no part of BERT and is not used`}
	if got := m.Warnings(); !slices.Equal(got, want) {
		t.Errorf("warnings %q, want %q: pretraining heads and position_ids are no surprise", got, want)
	}
}

// The first BERT miniatures have neither model_type nor architectures.
func TestConfigWithoutModelType(t *testing.T) {
	dir := modeltest.Copy(t, "testdata", "legacy")
	modeltest.EditConfig(t, dir, "model_type", nil)
	load32(t, dir, nil)
}

func TestHead(t *testing.T) {
	t.Run("of the checkpoint stays", func(t *testing.T) {
		m := load32(t, filepath.Join("testdata", "classifier"), []string{"other"})
		if want := []string{"left", "right", "straight on"}; !slices.Equal(m.Labels(), want) {
			t.Errorf("labels %q, want %q", m.Labels(), want)
		}
	})
	t.Run("without labels is none", func(t *testing.T) {
		m := load32(t, filepath.Join("testdata", "pooler"), nil)
		if m.Labels() != nil || m.Head() != nil {
			t.Errorf("labels %q, head %v, want none", m.Labels(), m.Head())
		}
		if got, want := len(m.Base()), len(m.Registry().Parameters()); got != want {
			t.Errorf("%d base parameters of %d", got, want)
		}
	})
	t.Run("new", func(t *testing.T) {
		labels := strings.Fields(strings.Repeat("label ", 500))
		head := func(seed uint64) []float32 {
			o := modeltest.CPU32
			o.Labels, o.Seed = labels, seed
			m := modeltest.Load[*Model](t, filepath.Join("testdata", "pooler"), o)
			if bias := m.Head()[1].Tensor.Float32s(); slices.ContainsFunc(bias, func(b float32) bool { return b != 0 }) {
				t.Error("the bias is not 0")
			}
			return m.Head()[0].Tensor.Float32s()
		}
		first := head(7)
		if !slices.Equal(first, head(7)) {
			t.Error("one seed gave two heads")
		}
		if slices.Equal(first, head(8)) {
			t.Error("two seeds gave one head")
		}
		sum := 0.0
		for _, w := range first {
			sum += float64(w) * float64(w)
		}
		if std := math.Sqrt(sum / float64(len(first))); math.Abs(std-0.02) > 0.001 {
			t.Errorf("standard deviation %g, want 0.02 as initializer_range says", std)
		}
	})
}

// A base is the same whatever prefix its file has, and whatever head is on it.
func TestFingerprintIsOfTheBase(t *testing.T) {
	fingerprint := func(dir string, labels ...string) string {
		print, err := models.Fingerprint(load32(t, dir, labels).Base())
		if err != nil {
			t.Fatal(err)
		}
		return print
	}
	plain := filepath.Join("testdata", "pooler")
	prefixed := modeltest.Copy(t, "testdata", "pooler")
	modeltest.EditTensors(t, prefixed, func(m map[string]checkpoint.Tensor) {
		for name, tensor := range maps.Clone(m) {
			delete(m, name)
			tensor.Name = "bert." + name
			m[tensor.Name] = tensor
		}
	})
	want := fingerprint(plain)
	if got := fingerprint(prefixed, "yes", "no"); got != want {
		t.Errorf("fingerprint %s with prefix and head, %s without", got, want)
	}
	changed := modeltest.Copy(t, "testdata", "pooler")
	modeltest.EditTensors(t, changed, func(m map[string]checkpoint.Tensor) {
		m["pooler.dense.bias"].Data[0] ^= 1
	})
	if fingerprint(changed) == want {
		t.Error("one changed bit did not change the fingerprint")
	}
}
