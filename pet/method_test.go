package pet_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/internal/pettest"
	_ "github.com/gopet-ml/gopet/pet/methods"
	"github.com/gopet-ml/gopet/torch"
)

func TestMethodsAreListedByName(t *testing.T) {
	var names []string
	for _, m := range pet.Methods() {
		names = append(names, m.Name())
		if m.Summary() == "" || strings.Contains(m.Summary(), "\n") {
			t.Errorf("%s: summary %q, want a line", m.Name(), m.Summary())
		}
		if m.LearningRate(1000) <= 0 {
			t.Errorf("%s: learning rate %g", m.Name(), m.LearningRate(1000))
		}
	}
	if want := []string{"adapter", "apet-adjacent", "apet-discrete", "apet-modules", "bitfit", "full", "lora", "prompt"}; !slices.Equal(names, want) {
		t.Errorf("methods %q, want %q", names, want)
	}
}

func TestLookupNamesTheNearest(t *testing.T) {
	_, err := pet.Lookup("apet-discret")
	if err == nil || !strings.Contains(err.Error(), `did you mean "apet-discrete"?`) {
		t.Errorf("error %v", err)
	}
}

func TestANameIsTakenOnce(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a second method of the same name was registered")
		}
	}()
	pet.Register(pettest.Method(t, "full"))
}

func TestTargets(t *testing.T) {
	torchtest.NoLeaks(t)
	m := pettest.Load(t, pettest.BERT, torch.Float32)
	for expression, want := range map[string]struct{ tensors, entries int64 }{
		"all-linear":                      {12, 2 * (4*16*16 + 2*16*26)},
		"qv":                              {4, 4 * 16 * 16},
		`bert\.encoder\.layer\.1\..*bias`: {8, 6*16 + 26 + 16},
		"all":                             {39, 5748},
	} {
		list, err := pet.Targets(m, expression)
		if err != nil {
			t.Fatal(err)
		}
		var entries int64
		for _, p := range list {
			entries += p.NumEl()
		}
		if int64(len(list)) != want.tensors || entries != want.entries {
			t.Errorf("%s: %d tensors of %d entries, want %d of %d", expression, len(list), entries, want.tensors, want.entries)
		}
	}
}

// The head is no target, and half a name is no match.
func TestTargetsMatchWholeNamesOfTheBase(t *testing.T) {
	m := pettest.Load(t, pettest.BERT, torch.Float32)
	for _, expression := range []string{`classifier\.weight`, "query", `\.bias`} {
		if list, err := pet.Targets(m, expression); err == nil {
			t.Errorf("%s named %d tensors", expression, len(list))
		}
	}
}

func TestDecayGroupsOfTransformers(t *testing.T) {
	for name, want := range map[string]bool{
		"bert.encoder.layer.0.output.dense.weight":     true,
		"bert.encoder.layer.0.output.dense.bias":       false,
		"bert.encoder.layer.0.output.LayerNorm.weight": false,
		"bert.embeddings.word_embeddings.weight":       true,
		"classifier.weight":                            true,
		"encoder.final_norm.weight":                    false,
	} {
		if got := pet.Decays(name); got != want {
			t.Errorf("weight decay of %s: %v", name, got)
		}
	}
}

func TestTheHeadIsCountedApart(t *testing.T) {
	for _, method := range pet.Methods() {
		m := pettest.Load(t, pettest.BERT, torch.Float32)
		for _, train := range []bool{true, false} {
			options := pet.Options{K: 10, Targets: "qv", Prompt: 4}
			attached, err := pet.Attach(m, method, options, train)
			if err != nil {
				t.Fatal(err)
			}
			want, err := method.Count(m, options)
			if err != nil {
				t.Fatal(err)
			}
			if attached.Count() != want {
				t.Errorf("%s tunes %d entries, want %d", method.Name(), attached.Count(), want)
			}
			if got := attached.HeadCount(); train && got != 51 || !train && got != 0 {
				t.Errorf("%s: a head of %d is trained: %v", method.Name(), got, train)
			}
			for _, p := range m.Head() {
				if p.Tensor.RequiresGrad() != train {
					t.Errorf("%s: %s wants a gradient: %v", method.Name(), p.Name, !train)
				}
			}
			attached.Detach()
		}
	}
}
