package lora_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/internal/pettest"
	"github.com/gopet-ml/gopet/pet/lora"
	"github.com/gopet-ml/gopet/torch"
)

// layers names what a tuning updates.
func layers(a *pet.Attached) []string {
	var names []string
	for _, p := range a.Tuning.Params() {
		if layer, ok := strings.CutSuffix(p.Name, lora.SuffixA); ok {
			names = append(names, layer)
		}
	}
	return names
}

func TestDefaultsAreQueriesAndValuesOfSelfAttention(t *testing.T) {
	torchtest.NoLeaks(t)
	for model, want := range map[string][]string{
		pettest.BERT: {
			"bert.encoder.layer.0.attention.self.query", "bert.encoder.layer.0.attention.self.value",
			"bert.encoder.layer.1.attention.self.query", "bert.encoder.layer.1.attention.self.value",
		},
		pettest.GatedT5: {
			"encoder.block.0.layer.0.SelfAttention.q", "encoder.block.0.layer.0.SelfAttention.v",
			"encoder.block.1.layer.0.SelfAttention.q", "encoder.block.1.layer.0.SelfAttention.v",
			"encoder.block.2.layer.0.SelfAttention.q", "encoder.block.2.layer.0.SelfAttention.v",
			"decoder.block.0.layer.0.SelfAttention.q", "decoder.block.0.layer.0.SelfAttention.v",
		},
	} {
		m := pettest.Load(t, model, torch.Float32)
		attached := pettest.Attach(t, m, "lora", pet.Options{}, true)
		if got := layers(attached); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", model, got, want)
		}
		if c := attached.Config().(lora.Config); c != (lora.Config{Rank: 8, Alpha: 16, Targets: "qv"}) {
			t.Errorf("%+v", c)
		}
		attached.Detach()
	}
}

func TestTargets(t *testing.T) {
	torchtest.NoLeaks(t)
	for _, test := range []struct {
		model, targets string
		layers         int
		refusal        string
	}{
		{pettest.BERT, "all-linear", 12, ""},
		{pettest.BERT, `.*query.*`, 2, ""}, // the weights; biases have no update
		{pettest.BERT, `bert\.pooler\.dense\.weight`, 1, ""},
		{pettest.TiedT5, `decoder.*EncDecAttention\.(k|o)\.weight`, 6, ""},
		{pettest.GatedT5, `lm_head\.weight`, 1, ""},
		{pettest.BERT, "all", 0, `name "bert.embeddings.word_embeddings.weight", an embedding`},
		{pettest.TiedT5, `shared\.weight`, 0, `name "shared.weight", an embedding`},
		{pettest.TiedT5, `.*relative_attention_bias.*`, 0, "relative_attention_bias.weight\", an embedding"},
		{pettest.BERT, `.*LayerNorm.*`, 0, "name no linear layer, only \"bert.embeddings.LayerNorm.weight\""},
		{pettest.BERT, `lm_head\.weight`, 0, "name none of the model's parameters"},
		{pettest.BERT, `classifier\.weight`, 0, "name none of the model's parameters"},
	} {
		m := pettest.Load(t, test.model, torch.Float32)
		attached, err := pet.Attach(m, pettest.Method(t, "lora"), pet.Options{Targets: test.targets}, true)
		if test.refusal != "" {
			if err == nil || !strings.Contains(err.Error(), test.refusal) {
				t.Errorf("%s of %s: error %v, want %q", test.targets, test.model, err, test.refusal)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s of %s: %v", test.targets, test.model, err)
			continue
		}
		if got := layers(attached); len(got) != test.layers {
			t.Errorf("%s of %s: %q, want %d layers", test.targets, test.model, got, test.layers)
		}
		attached.Detach()
	}
}

// As peft: A uniform below 1/sqrt(in), whose variance is 1/(3 in); B zero.
func TestFirstValues(t *testing.T) {
	torchtest.NoLeaks(t)
	m := pettest.Load(t, pettest.BERT, torch.Float32)
	draw := func(o pet.Options) map[string][]float64 {
		attached := pettest.Attach(t, m, "lora", o, true)
		defer attached.Detach()
		values := map[string][]float64{}
		for _, p := range attached.Tuning.Params() {
			values[p.Name] = p.Leaf.Float64s()
		}
		return values
	}
	values := draw(pet.Options{Rank: 400, Seed: 4})
	for name, list := range values {
		bound := 0.25 // the layers have 16 inputs
		if strings.HasSuffix(name, lora.SuffixB) {
			bound = 0
		}
		var squares float64
		for _, v := range list {
			if math.Abs(v) > bound {
				t.Fatalf("%s: %g, beyond %g", name, v, bound)
			}
			squares += v * v
		}
		if variance := squares / float64(len(list)); math.Abs(variance-bound*bound/3) > 0.05*bound*bound/3 {
			t.Errorf("%s: variance %g, want %g", name, variance, bound*bound/3)
		}
	}
	const one, other = "bert.encoder.layer.0.attention.self.query.lora_A.weight", "bert.encoder.layer.1.attention.self.query.lora_A.weight"
	if slices.Equal(values[one], values[other]) {
		t.Error("two layers start alike")
	}
	if !slices.Equal(values[one], draw(pet.Options{Rank: 400, Seed: 4, Targets: "all-linear"})[one]) {
		t.Error("a layer's values depend on the others'")
	}
	if slices.Equal(values[one], draw(pet.Options{Rank: 400, Seed: 5})[one]) {
		t.Error("another seed gives the same values")
	}
}

// What an adapter claims is checked before anything is made of it.
func TestRestoreRefuses(t *testing.T) {
	torchtest.NoLeaks(t)
	const query = "bert.encoder.layer.0.attention.self.query"
	good := pettest.Zeros{query + lora.SuffixA: {8, 16}, query + lora.SuffixB: {16, 8}}
	for _, test := range []struct {
		config  string
		tensors pettest.Zeros
		want    string
	}{
		{`{"rank":2000000000,"alpha":16}`, good, "has shape [8 16], this model wants [2000000000 16]"},
		{`{"rank":0,"alpha":16}`, good, "rank 0: want 1 to"},
		{`{"rank":-8,"alpha":16}`, good, "rank -8: want 1 to"},
		{`{"rank":99999999999,"alpha":16}`, good, "rank 99999999999: want 1 to"},
		{`{"rank":8,"alpha":0}`, good, "alpha 0: want a number above 0"},
		{`{"rank":8,"alpha":-1}`, good, "alpha -1: want a number above 0"},
		{`{"rank":"8"}`, good, "adapter configuration: json"},
		{`{"rank":8,"alpha":16}`, pettest.Zeros{}, "the adapter holds no tensor NAME.lora_A.weight"},
		{`{"rank":8,"alpha":16}`, pettest.Zeros{query + lora.SuffixA: {8, 16}, query + lora.SuffixB: {16, 7}}, "has shape [16 7], this model wants [16 8]"},
		{`{"rank":8,"alpha":16}`, pettest.Zeros{"bert.nowhere" + lora.SuffixA: {8, 16}}, `"bert.nowhere.lora_A.weight", and the model has no module "bert.nowhere"`},
	} {
		m := pettest.Load(t, pettest.BERT, torch.Float32)
		want := pettest.Answers(m)
		_, err := pet.Restore(m, pettest.Method(t, "lora"), json.RawMessage(test.config), test.tensors, false, true)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.config, err, test.want)
		}
		if !slices.Equal(pettest.Answers(m), want) {
			t.Errorf("%s: the model has changed", test.config)
		}
	}
}

// Detaching a merged tuning brings the base back, within rounding.
func TestDetachTakesAMergeBack(t *testing.T) {
	torchtest.NoLeaks(t)
	m := pettest.Load(t, pettest.BERT, torch.Float32)
	base := pettest.Answers(m)
	attached := pettest.Attach(t, m, "lora", pet.Options{Targets: "all-linear"}, false)
	pettest.Move(attached)
	tuned := pettest.Answers(m)
	for range 2 { // merging twice is merging once
		if err := attached.Tuning.(pet.Merger).Merge(); err != nil {
			t.Fatal(err)
		}
	}
	near(t, "merged", pettest.Answers(m), tuned)
	attached.Detach()
	near(t, "detached", pettest.Answers(m), base)
}

func near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	for i := range want {
		if math.Abs(got[i]-want[i]) > 2e-5*math.Max(1, math.Abs(want[i])) {
			t.Errorf("%s: output %d is %g, want %g", what, i, got[i], want[i])
		}
	}
}
