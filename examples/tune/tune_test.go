package main

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestTuneLearns(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	var shown strings.Builder
	if err := tune(context.Background(), []string{"-out", out, "-threads", "1"}, &shown); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2000 of ", "step 50: loss ", "validation accuracy "} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("no %q in what it shows:\n%s", want, &shown)
		}
	}
	_, end, _ := strings.Cut(shown.String(), "; test accuracy ")
	if accuracy, err := strconv.ParseFloat(strings.SplitN(end, ";", 2)[0], 64); err != nil || accuracy < 0.9 {
		t.Errorf("the tiny data was not learned:\n%s", &shown)
	}
}

// A writer that cancels a context once it has seen enough.
type cancelAt struct {
	strings.Builder
	text   string
	cancel context.CancelFunc
}

func (c *cancelAt) Write(p []byte) (int, error) {
	n, err := c.Builder.Write(p)
	if strings.Contains(c.String(), c.text) {
		c.cancel()
	}
	return n, err
}

func TestInterruptedRunGoesOn(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	shown := &cancelAt{text: "step 50: loss", cancel: cancel}
	if err := tune(ctx, []string{"-out", out, "-threads", "1"}, shown); !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled run returned %v", err)
	}
	if !strings.Contains(shown.String(), "-resume goes on") {
		t.Errorf("nothing says how to go on:\n%s", shown)
	}
	var rest strings.Builder
	if err := tune(context.Background(), []string{"-out", out, "-resume"}, &rest); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(rest.String(), "test accuracy") {
		t.Errorf("the resumed run shows:\n%s", &rest)
	}
}
