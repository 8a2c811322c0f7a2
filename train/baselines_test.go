package train

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/internal/torchtest"
)

// The head-only baseline of a run is what the run would give with k = 0.
func TestTheHeadOnlyBaselineIsTheRunWithoutEntries(t *testing.T) {
	torchtest.NoLeaks(t)
	for _, shuffle := range []bool{true, false} {
		c := testConfig(t)
		c.Baselines, c.Shuffle, c.EvalEvery, c.LR, c.Dropout = true, shuffle, 2, 0.05, 0
		tuned := mustRun(t, c, nil)
		if tuned.Baselines == nil || tuned.Baselines.HeadOnly == nil {
			t.Fatalf("no baselines: %+v", tuned.Baselines)
		}
		c.Out, c.K, c.Baselines = t.TempDir(), 0, false
		alone := mustRun(t, c, nil)
		if diff := cmp.Diff(alone.Test, tuned.Baselines.HeadOnly); diff != "" {
			t.Errorf("shuffle %v: run with k = 0 (-), baseline (+):\n%s", shuffle, diff)
		}
		if alone.Baselines != nil {
			t.Error("baselines that nobody asked for")
		}
		if cmp.Equal(tuned.Baselines.Untuned, tuned.Baselines.HeadOnly) {
			t.Error("tuning the head changed nothing")
		}
	}
}

// A run that is interrupted, among the steps or while its baselines are
// measured, has the baselines of one that is not.
func TestBaselinesOfInterruptedRuns(t *testing.T) {
	torchtest.NoLeaks(t)
	for name, change := range map[string]func(*Config){
		"apet":                       func(*Config) {},
		"learning rate by rule":      func(c *Config) { c.LR = 0 },
		"full, class weights":        func(c *Config) { c.Method, c.ClassWeights = "full", true },
		"of an adapter's start":      startFromAdapter(t),
		"prompt that shortens rows":  func(c *Config) { c.Method, c.PromptLength, c.MaxLength = "prompt", 18, 0 },
		"text to text":               func(c *Config) { c.Method, c.Model = "lora", textModel(t) },
		"patience, no more than one": func(c *Config) { c.Patience, c.LR, c.Schedule = 1, 1e-12, "constant" },
	} {
		t.Run(name, func(t *testing.T) {
			whole := testConfig(t)
			whole.Baselines = true
			change(&whole)
			want := mustRun(t, whole, nil)
			c := whole
			c.Out = filepath.Join(t.TempDir(), "run")
			if _, err := oneStep(t, func(ctx context.Context, o Observer) (*Result, error) { return Run(ctx, c, o) }); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			for range 2 {
				result, err := untilMeasuring(t, c.Out)
				if !errors.Is(err, context.Canceled) || result.Status != StatusInterrupted || result.Baselines != nil {
					t.Fatalf("interrupted while measuring: %+v (%v)", result, err)
				}
			}
			got, err := Resume(t.Context(), c.Out, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.Baselines, got.Baselines); diff != "" || got.Baselines == nil {
				t.Errorf("whole (-), interrupted (+):\n%s", diff)
			}
			sameRun(t, whole.Out, c.Out)
		})
	}
}

// untilMeasuring resumes a run until its first baseline is under way.
func untilMeasuring(t *testing.T, run string) (*Result, error) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	return Resume(ctx, run, hooks{measuring: func(string, int64) { cancel() }})
}

// Steps come first: no baseline is measured before the last one.
func TestBaselinesComeAfterTheSteps(t *testing.T) {
	torchtest.NoLeaks(t)
	c := testConfig(t)
	c.Baselines = true
	steps := 0
	mustRun(t, c, hooks{stepped: func(Step) { steps++ }, measuring: func(what string, _ int64) {
		if steps < c.Steps {
			t.Errorf("%s after %d of %d steps", what, steps, c.Steps)
		}
	}})
}

// A model that somebody replaced meanwhile is not what the run began with.
func TestBaselinesOfAnotherModel(t *testing.T) {
	torchtest.NoLeaks(t)
	c := testConfig(t)
	c.Baselines = true
	_, err := Run(t.Context(), c, hooks{stepped: func(s Step) {
		if s.Step == c.Steps {
			replaceModel(t, c.Model)
		}
	}})
	if err == nil || !strings.Contains(err.Error(), "is no longer the model") {
		t.Fatalf("error %v", err)
	}
	result, err := ReadResult(c.Out)
	if err != nil || result.Status != StatusFailed || result.Test == nil || result.Baselines != nil {
		t.Errorf("result %+v (%v)", result, err)
	}
}

// replaceModel changes a bit in the middle of a model's weights.
func replaceModel(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "model.safetensors")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	write(t, path, string(content))
}

// Measuring baselines leaves no trace in the run itself.
func TestBaselinesDoNotChangeTheRun(t *testing.T) {
	torchtest.NoLeaks(t)
	c := testConfig(t)
	c.Baselines = true
	with := mustRun(t, c, nil)
	c.Out, c.Baselines = t.TempDir(), false
	without := mustRun(t, c, nil)
	if diff := cmp.Diff(without.Test, with.Test); diff != "" {
		t.Errorf("without (-), with (+):\n%s", diff)
	}
}
