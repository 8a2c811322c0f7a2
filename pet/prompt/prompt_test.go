package prompt_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/internal/pettest"
	"github.com/gopet-ml/gopet/torch"
)

// The paper's vectors are the embeddings of ids 0, 1, 2 ..., from 0 again where
// the vocabulary is short.
func TestVectorsStartAsTheVocabularys(t *testing.T) {
	torchtest.NoLeaks(t)
	for _, init := range []string{"", "paper"} {
		m := pettest.Load(t, pettest.TiedT5, torch.Float32)
		attached := pettest.Attach(t, m, "prompt", pet.Options{Init: init}, true)
		table := m.Registry().Embeddings()[0].Weight.Tensor
		words, width := int(table.Dim(0)), int(table.Dim(1))
		vectors, rows := attached.Tuning.Params()[0].Leaf.Float64s(), table.Float64s()
		if len(vectors) != 100*width {
			t.Errorf("%d numbers, want 100 vectors of %d", len(vectors), width)
		}
		for i, v := range vectors {
			if want := rows[i%(words*width)]; v != want {
				t.Fatalf("vector %d begins with %g, the table's with %g", i/width, v, want)
			}
		}
		attached.Detach()
	}
}

func TestVectorsStartFromNormalNumbers(t *testing.T) {
	torchtest.NoLeaks(t)
	m := pettest.Load(t, pettest.TiedT5, torch.Float32)
	attached := pettest.Attach(t, m, "prompt", pet.Options{Prompt: 2000, Init: "normal", Seed: 3}, true)
	defer attached.Detach()
	var sum, squares float64
	values := attached.Tuning.Params()[0].Leaf.Float64s()
	for _, v := range values {
		sum += v
		squares += v * v
	}
	n := float64(len(values))
	if std := math.Sqrt(squares / n); math.Abs(std-0.1) > 0.003 || math.Abs(sum/n) > 0.003 {
		t.Errorf("mean %g and deviation %g, want 0 and 0.1", sum/n, std)
	}
}

func TestAttachRefuses(t *testing.T) {
	torchtest.NoLeaks(t)
	m := pettest.Load(t, pettest.BERT, torch.Float32) // reads 24 tokens
	method := pettest.Method(t, "prompt")
	for want, o := range map[string]pet.Options{
		"100 vectors leave no room for words: the model reads 24 tokens, the vectors counted; take at most 21": {},
		"22 vectors leave no room": {Prompt: 22},
		"length -1: want 1 to":     {Prompt: -1},
		`init "zero": want paper (the first ids of the vocabulary) or normal (N(0, 0.1))`: {Prompt: 4, Init: "zero"},
	} {
		if _, err := pet.Attach(m, method, o, true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %q", o, err, want)
		}
		if n, err := method.Count(m, o); err == nil {
			t.Errorf("%+v: counted %d", o, n)
		}
	}
	attached := pettest.Attach(t, m, "prompt", pet.Options{Prompt: 21}, true)
	defer attached.Detach()
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	in := models.Rows(s, []int64{2, 5, 3})
	if got := models.Hidden(m, in).Dim(0); got != 24 {
		t.Errorf("%d positions, want 24", got)
	}
}

func TestRestore(t *testing.T) {
	torchtest.NoLeaks(t)
	for _, test := range []struct {
		model, config string
		tensors       pettest.Zeros
		count         int64
		refusal       string
	}{
		{pettest.TiedT5, `{"length":3}`, pettest.Zeros{"prompt_embeddings": {3, 8}}, 24, ""},
		{pettest.TiedT5, `{"length":3}`, pettest.Zeros{"prompt_embeddings": {3, 8}, "decoder_prompt_embeddings": {3, 8}}, 48, ""},
		{pettest.BERT, `{"length":3}`, pettest.Zeros{"prompt_embeddings": {3, 16}, "decoder_prompt_embeddings": {3, 16}}, 0,
			`tensor "decoder_prompt_embeddings" is no part of an adapter of prompt on this model`},
		{pettest.BERT, `{"length":22}`, pettest.Zeros{"prompt_embeddings": {22, 16}}, 0, "22 vectors leave no room"},
		{pettest.TiedT5, `{"length":2000000000}`, pettest.Zeros{"prompt_embeddings": {3, 8}}, 0, "has shape [3 8], this model wants [2000000000 8]"},
		{pettest.TiedT5, `{"length":0}`, pettest.Zeros{"prompt_embeddings": {0, 8}}, 0, "length 0: want 1 to"},
		{pettest.TiedT5, `{"length":3.5}`, pettest.Zeros{"prompt_embeddings": {3, 8}}, 0, "adapter configuration: json"},
	} {
		m := pettest.Load(t, test.model, torch.Float32)
		want := pettest.Answers(m)
		attached, err := pet.Restore(m, pettest.Method(t, "prompt"), json.RawMessage(test.config), test.tensors, false, true)
		if err == nil {
			if test.refusal != "" || attached.Count() != test.count || slices.Equal(pettest.Answers(m), want) {
				t.Errorf("%s: %d parameters, want %d and %q", test.config, attached.Count(), test.count, test.refusal)
			}
			attached.Detach()
		} else if test.refusal == "" || !strings.Contains(err.Error(), test.refusal) {
			t.Errorf("%s: error %v, want %q", test.config, err, test.refusal)
		}
		if !slices.Equal(pettest.Answers(m), want) {
			t.Errorf("%s: the model has changed", test.config)
		}
	}
}

// A decoder's prompt, which adapters of peft have, takes no part in the text.
func TestTextsAreWrittenBehindADecodersPrompt(t *testing.T) {
	torchtest.NoLeaks(t)
	m := pettest.Load(t, pettest.TiedT5, torch.Float32)
	prompts := pettest.Zeros{"prompt_embeddings": {3, 8}, "decoder_prompt_embeddings": {3, 8}}
	attached, err := pet.Restore(m, pettest.Method(t, "prompt"), json.RawMessage(`{"length":3}`), prompts, false, true)
	if err != nil {
		t.Fatal(err)
	}
	defer attached.Detach()
	t5 := m.(models.TextToText)
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	in := models.Rows(s, []int64{4, 9, 1})
	hidden := models.Hidden(m, in)
	text := t5.Generate(hidden, in, models.GenerateOptions{MaxNewTokens: 4})[0]
	read := append([]int64{t5.StartID()}, text[:len(text)-1]...)
	logits := t5.Logits(t5.Decode(read, []int64{int64(len(read))}, hidden, in))
	if got := logits.ArgMax(-1).Int64s(); !slices.Equal(got, text) {
		t.Errorf("with a cache %d, without %d", text, got)
	}
}
