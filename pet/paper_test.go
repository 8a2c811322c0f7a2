package pet_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/internal/pettest"
	"github.com/gopet-ml/gopet/torch"
)

// t5v11 is the config.json of a T5 1.1 of published sizes, without weights.
func t5v11(t *testing.T, width, heads, headWidth, inner, layers int) models.Model {
	t.Helper()
	dir := t.TempDir()
	config, err := json.Marshal(map[string]any{
		"model_type": "t5", "architectures": []string{"T5ForConditionalGeneration"}, "is_encoder_decoder": true,
		"d_model": width, "num_heads": heads, "d_kv": headWidth, "d_ff": inner,
		"num_layers": layers, "num_decoder_layers": layers, "vocab_size": 32128,
		"feed_forward_proj": "gated-gelu", "tie_word_embeddings": false,
		"relative_attention_num_buckets": 32, "layer_norm_epsilon": 1e-6, "dropout_rate": 0.1,
		"decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o666); err != nil {
		t.Fatal(err)
	}
	m, err := models.Declare(dir, models.Options{DType: torch.Float32})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// TestCountsAreThePapers holds the defaults to the numbers of parameters that
// the code of arXiv 2306.02320 gives for google/t5-v1_1-small and -base.
func TestCountsAreThePapers(t *testing.T) {
	torchtest.NoLeaks(t)
	for _, model := range []struct {
		name string
		m    models.Model
		want map[string]int64
	}{
		{"t5-v1_1-small", t5v11(t, 512, 6, 64, 1024, 8),
			map[string]int64{"lora": 229_376, "adapter": 803_584, "prompt": 51_200, "bitfit": 121_216}},
		{"t5-v1_1-base", t5v11(t, 768, 12, 64, 2048, 12),
			map[string]int64{"lora": 589_824, "adapter": 1_807_488, "prompt": 76_800, "bitfit": 270_208}},
	} {
		for method, want := range model.want {
			for _, count := range []func() (int64, error){
				func() (int64, error) { return pettest.Method(t, method).Count(model.m, pet.Options{}) },
				func() (int64, error) { return pet.Budget(method, model.m, pet.Options{Targets: "all"}) },
			} {
				if got, err := count(); err != nil || got != want {
					t.Errorf("%s on %s: %d (%v), want %d", method, model.name, got, err, want)
				}
			}
		}
	}
}
