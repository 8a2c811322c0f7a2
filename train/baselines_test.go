package train

import (
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
