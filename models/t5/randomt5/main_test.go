package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gopet-ml/gopet/internal/modeltest"
	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models/t5"
)

func TestRun(t *testing.T) {
	torchtest.NoLeaks(t)
	tokenizer := t.TempDir()
	if err := os.WriteFile(filepath.Join(tokenizer, "spiece.model"), []byte("pieces"), 0o666); err != nil {
		t.Fatal(err)
	}
	first, second := filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "second")
	if err := run([]string{"-out", first, "-tokenizer", tokenizer, "-v1.1", "-vocab_size", "50", "-d_model", "12"}); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-out", second, "-tokenizer", tokenizer, "-config", first}); err != nil {
		t.Fatal(err)
	}
	m := modeltest.Load[*t5.Model](t, first, modeltest.CPU32)
	modeltest.SameParameters(t, modeltest.Load[*t5.Model](t, second, modeltest.CPU32), m)
	if c := m.Config(); c.VocabSize != 50 || c.ModelDim != 12 || c.FeedForwardProj != "gated-gelu" {
		t.Errorf("config %+v", c)
	}
	if _, ok := m.Registry().Lookup("lm_head.weight"); !ok {
		t.Error("version 1.1 has no head of its own")
	}
	if data, err := os.ReadFile(filepath.Join(second, "spiece.model")); err != nil || string(data) != "pieces" {
		t.Errorf("spiece.model holds %q, %v", data, err)
	}
	if err := run([]string{"-out", first}); err == nil {
		t.Error("no -tokenizer is no error")
	}
	if err := run([]string{"-out", first, "-tokenizer", tokenizer}); err == nil {
		t.Error("an existing directory is no error")
	}
}
