package bitfit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/internal/pettest"
	"github.com/gopet-ml/gopet/torch"
)

func tuned(t *testing.T, model string) []string {
	t.Helper()
	attached := pettest.Attach(t, pettest.Load(t, model, torch.Float32), "bitfit", pet.Options{}, true)
	defer attached.Detach()
	var names []string
	for _, p := range attached.Tuning.Params() {
		names = append(names, p.Name)
		if p.Decay {
			t.Errorf("%s decays", p.Name)
		}
	}
	return names
}

// Every bias of BERT but the head's.
func TestBiasesOfBERT(t *testing.T) {
	torchtest.NoLeaks(t)
	var want []string
	for _, p := range pettest.Load(t, pettest.BERT, torch.Float32).Base() {
		if strings.HasSuffix(p.Name, ".bias") {
			want = append(want, p.Name)
		}
	}
	if got := tuned(t, pettest.BERT); !slices.Equal(got, want) || len(got) != 18 {
		t.Errorf("%q, want %q", got, want)
	}
}

// Those that OpenDelta adds to T5, tied head or not.
func TestBiasesAddedToT5(t *testing.T) {
	torchtest.NoLeaks(t)
	want := []string{
		"encoder.block.0.layer.0.SelfAttention.q.bias", "encoder.block.0.layer.0.SelfAttention.k.bias",
		"encoder.block.0.layer.0.SelfAttention.v.bias", "encoder.block.0.layer.0.SelfAttention.o.bias",
		"encoder.block.0.layer.1.DenseReluDense.wi_0.bias", "encoder.block.0.layer.1.DenseReluDense.wi_1.bias",
		"encoder.block.0.layer.1.DenseReluDense.wo.bias",
		"encoder.block.0.layer.0.layer_norm.bias", "encoder.block.0.layer.1.layer_norm.bias", "encoder.final_layer_norm.bias",
		"decoder.block.0.layer.1.layer_norm.bias", // of cross-attention's norm, not of its projections
		"decoder.block.0.layer.2.DenseReluDense.wi_0.bias", "decoder.final_layer_norm.bias", "lm_head.bias",
	}
	got := tuned(t, pettest.GatedT5)
	for _, name := range want {
		if !slices.Contains(got, name) {
			t.Errorf("%s is not tuned", name)
		}
	}
	// 3 layers of the encoder with 7 projections and 2 norms, one of the
	// decoder with 7 and 3, 2 final norms, the head.
	if len(got) != 3*9+10+3 {
		t.Errorf("%d biases: %q", len(got), got)
	}
	for _, name := range got {
		if strings.Contains(name, "EncDecAttention") || strings.Contains(name, "relative_attention_bias") {
			t.Errorf("%s is tuned", name)
		}
	}
	tied := tuned(t, pettest.TiedT5) // without the gate: wi and wo
	if len(tied) != 2*8+3*9+3 || !slices.Contains(tied, "lm_head.bias") || !slices.Contains(tied, "encoder.block.1.layer.1.DenseReluDense.wi.bias") {
		t.Errorf("%d biases of a tied T5: %q", len(tied), tied)
	}
}
