package t5

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/modeltest"
	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/torch"
)

func TestBadConfigIsRefused(t *testing.T) {
	torchtest.NoLeaks(t)
	for name, test := range map[string]struct {
		field string
		value any
		want  string
	}{
		"activation":       {"feed_forward_proj", "mish", `feed_forward_proj "mish": activation "mish" is not supported: want one of gelu,`},
		"gated by what":    {"feed_forward_proj", "closed-gelu", `feed_forward_proj "closed-gelu": want an activation such as relu, or gated-`},
		"gated twice":      {"feed_forward_proj", "gated-gelu-new", `feed_forward_proj "gated-gelu-new": want`},
		"encoder only":     {"is_encoder_decoder", false, "is_encoder_decoder is false: want a T5 with encoder and decoder"},
		"missing size":     {"d_model", nil, "d_model is missing or 0"},
		"negative size":    {"vocab_size", -1, "vocab_size is -1: want 1 to 16777216"},
		"absurd size":      {"d_ff", 1 << 40, "d_ff is 1099511627776"},
		"absurd product":   {"d_kv", 1<<23 + 1, "num_heads 2 times d_kv 8388609 is more than 16777216"},
		"absurd depth":     {"num_decoder_layers", 1 << 20, "num_decoder_layers is 1048576: want 1 to 1000"},
		"wrong type":       {"d_model", "big", "d_model"},
		"few buckets":      {"relative_attention_num_buckets", 3, "relative_attention_num_buckets is 3: want 4 to"},
		"short distance":   {"relative_attention_max_distance", 3, "relative_attention_max_distance is 3: want more than half of the 7 buckets"},
		"dropout":          {"dropout_rate", 1.0, "dropout_rate is 1: want 0 or more and below 1"},
		"eps":              {"layer_norm_epsilon", 0.0, "layer_norm_epsilon is 0: want more than 0"},
		"factor":           {"initializer_factor", -1.0, "initializer_factor is -1: want 0 or more"},
		"start":            {"decoder_start_token_id", 29, "decoder_start_token_id is 29: want an id of the 29 in the vocabulary"},
		"end":              {"eos_token_id", []int{1, -1}, "eos_token_id is -1: want an id"},
		"end in words":     {"eos_token_id", "</s>", "eos_token_id"},
		"sizes of another": {"d_model", 12, `tensor "shared.weight" has shape [29 10], but config.json says [29 12]`},
		"more layers":      {"num_decoder_layers", 2, `tensor "decoder.block.1.layer.0.SelfAttention.q.weight" is missing`},
		"no gate":          {"feed_forward_proj", "relu", `tensor "encoder.block.0.layer.1.DenseReluDense.wi.weight" is missing`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := modeltest.Copy(t, "testdata", "gated")
			modeltest.EditConfig(t, dir, test.field, test.value)
			modeltest.Refuses(t, dir, test.want)
		})
	}
}

func TestFloat16IsRefused(t *testing.T) {
	modeltest.RefusesAs(t, filepath.Join("testdata", "tied"), models.Options{DType: torch.Float16, Device: torch.CPU},
		"T5 overflows in float16: want float32 or bfloat16")
}

func TestBadTensorsAreRefused(t *testing.T) {
	torchtest.NoLeaks(t)
	const query = "decoder.block.0.layer.1.EncDecAttention.q.weight"
	for name, test := range map[string]struct {
		edit func(map[string]checkpoint.Tensor)
		want string
	}{
		"missing": {
			func(m map[string]checkpoint.Tensor) { delete(m, query) },
			fmt.Sprintf("tensor %q is missing", query),
		},
		"no table": {
			func(m map[string]checkpoint.Tensor) { delete(m, sharedWeight) },
			`tensor "shared.weight" is missing`,
		},
		"two tables": {
			func(m map[string]checkpoint.Tensor) { rename(m, sharedWeight, aliases[1]).Data[0] ^= 1 },
			`tensors "shared.weight" and "decoder.embed_tokens.weight" differ: want one embedding table`,
		},
		"table of another shape": {
			func(m map[string]checkpoint.Tensor) {
				tensor := rename(m, sharedWeight, aliases[0])
				tensor.Shape = []int64{10, 29}
				m[tensor.Name] = tensor
			},
			`tensors "shared.weight" and "encoder.embed_tokens.weight" differ`,
		},
		"head of another shape": {
			func(m map[string]checkpoint.Tensor) {
				tensor := m[headWeight]
				tensor.Shape = []int64{10, 29}
				m[headWeight] = tensor
			},
			`tensor "lm_head.weight" has shape [10 29], but config.json says [29 10]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := modeltest.Copy(t, "testdata", "gated")
			modeltest.EditTensors(t, dir, test.edit)
			modeltest.Refuses(t, dir, test.want)
		})
	}
}

// rename enters a copy of a tensor under another name.
func rename(m map[string]checkpoint.Tensor, from, to string) checkpoint.Tensor {
	tensor := m[from]
	tensor.Name, tensor.Data = to, slices.Clone(tensor.Data)
	m[to] = tensor
	return tensor
}

// Whether a head shares the table is what the tensors say.
func TestTiedHeads(t *testing.T) {
	torchtest.NoLeaks(t)
	for name, test := range map[string]struct {
		from     string
		edit     func(map[string]checkpoint.Tensor)
		tied     bool
		warnings []string
	}{
		"none stored":    {"tied", func(map[string]checkpoint.Tensor) {}, true, nil},
		"the same again": {"tied", func(m map[string]checkpoint.Tensor) { rename(m, sharedWeight, headWeight) }, true, nil},
		"another":        {"tied", func(m map[string]checkpoint.Tensor) { rename(m, sharedWeight, headWeight).Data[0] ^= 1 }, false, nil},
		"own":            {"gated", func(map[string]checkpoint.Tensor) {}, false, nil},
		"own is missing": {"gated", func(m map[string]checkpoint.Tensor) { delete(m, headWeight) }, true, []string{
			`tie_word_embeddings is false, but no other "lm_head.weight" is stored: the head shares "shared.weight"`,
		}},
		"under another name": {"tied", func(m map[string]checkpoint.Tensor) {
			rename(m, sharedWeight, aliases[0])
			rename(m, sharedWeight, aliases[1])
			delete(m, sharedWeight)
		}, true, nil},
		"something else": {"tied", func(m map[string]checkpoint.Tensor) { rename(m, sharedWeight, "qa_outputs.weight") }, true, []string{
			`tensor "qa_outputs.weight" is no part of T5 and is not used`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := modeltest.Copy(t, "testdata", test.from)
			modeltest.EditTensors(t, dir, test.edit)
			m := load32(t, dir)
			if m.tied() != test.tied || !slices.Equal(m.Warnings(), test.warnings) {
				t.Errorf("tied %v, warnings %q; want %v, %q", m.tied(), m.Warnings(), test.tied, test.warnings)
			}
			declared, err := models.Declare(dir, modeltest.CPU32)
			if err != nil {
				t.Fatal(err)
			}
			defer declared.Close()
			if got, want := shapes(declared), shapes(m); !slices.Equal(got, want) {
				t.Errorf("declared %v, loaded %v", got, want)
			}
		})
	}
}

func shapes(m models.Model) []string {
	var list []string
	for _, p := range m.Base() {
		list = append(list, fmt.Sprint(p.Name, p.Tensor.Shape()))
	}
	return list
}

// The published models, by what is known of their size.
func TestDeclareFromConfigAlone(t *testing.T) {
	torchtest.NoLeaks(t)
	shared := filepath.Join("..", "..", "..", "shared", "checkpoints", "t5-tokenizer", "t5-base.config.json")
	t5Base, err := os.ReadFile(shared)
	if err != nil {
		t.Logf("left out: %v", err)
	}
	const v11 = `{"model_type": "t5", "d_ff": %d, "d_kv": 64, "d_model": %d, "num_heads": %d, "num_layers": %d, "num_decoder_layers": %[4]d,
		"feed_forward_proj": "gated-gelu", "tie_word_embeddings": false, "vocab_size": 32128, "decoder_start_token_id": 0,
		"eos_token_id": 1, "pad_token_id": 0, "relative_attention_num_buckets": 32, "output_past": true}`
	for name, test := range map[string]struct {
		config string
		want   int64
	}{
		"t5-base":       {string(t5Base), 222_903_552},
		"t5-v1_1-small": {fmt.Sprintf(v11, 1024, 512, 6, 8), 76_961_152},
		"t5-v1_1-base":  {fmt.Sprintf(v11, 2048, 768, 12, 12), 247_577_856},
	} {
		if test.config == "" {
			continue
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(test.config), 0o666); err != nil {
			t.Fatal(err)
		}
		m, err := models.Declare(dir, models.Options{DType: torch.BFloat16})
		if err != nil {
			t.Fatal(err)
		}
		var entries int64
		for _, p := range m.Base() {
			entries += p.NumEl()
		}
		if entries != test.want {
			t.Errorf("%s has %d parameters, want %d", name, entries, test.want)
		}
		m.Close()
	}
}

// What config.json leaves out has transformers' meaning.
func TestConfigDefaults(t *testing.T) {
	for _, test := range []struct {
		fields     string
		activation string
		gated      bool
		scales     bool
		start      int64
		ends       string
	}{
		{``, "relu", false, true, 0, "[1]"},
		{`, "tie_word_embeddings": null, "num_decoder_layers": null`, "relu", false, true, 0, "[1]"},
		{`, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": false`, "gelu_new", true, false, 0, "[1]"},
		{`, "feed_forward_proj": "gated-silu", "pad_token_id": 3, "eos_token_id": null`, "silu", true, true, 3, "[]"},
		{`, "feed_forward_proj": "gelu", "decoder_start_token_id": 2, "eos_token_id": [4, 5]`, "gelu", false, true, 2, "[4 5]"},
		{`, "feed_forward_proj": "gated-gelu", "dense_act_fn": "gelu", "is_gated_act": false`, "gelu", false, true, 0, "[1]"},
		{`, "tie_word_embeddings": true, "scale_decoder_outputs": false`, "relu", false, false, 0, "[1]"},
	} {
		dir := t.TempDir()
		text := `{"vocab_size": 9, "d_model": 4, "d_kv": 2, "d_ff": 3, "num_layers": 5, "num_heads": 2` + test.fields + `}`
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		file, err := models.ReadConfig(dir)
		if err != nil {
			t.Fatal(err)
		}
		c, err := ParseConfig(file)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if c.activation() != test.activation || c.gated() != test.gated || c.scales() != test.scales ||
			*c.DecoderStartTokenID != test.start || fmt.Sprint(c.EOSTokenID) != test.ends || c.DecoderLayers != 5 {
			t.Errorf("%s: %s, gated %v, scales %v, start %d, ends %v, %d decoder layers", text, c.activation(), c.gated(), c.scales(),
				*c.DecoderStartTokenID, c.EOSTokenID, c.DecoderLayers)
		}
	}
}

func TestDirectoryWithoutWeights(t *testing.T) {
	dir := modeltest.Copy(t, "testdata", "tied")
	if err := os.Remove(filepath.Join(dir, checkpoint.SingleFile)); err != nil {
		t.Fatal(err)
	}
	_, err := models.Load(dir, modeltest.CPU32)
	if err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v, want one that names %s", err, dir)
	}
}
