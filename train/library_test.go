package train

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/internal/version"
	"github.com/gopet-ml/gopet/models/bert"
	"github.com/gopet-ml/gopet/torch"
)

func TestRunPrintsNothing(t *testing.T) {
	c := testConfig(t)
	path := filepath.Join(t.TempDir(), "printed")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	out, errs := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = file, file
	_, err = Run(t.Context(), c, nil)
	os.Stdout, os.Stderr = out, errs
	if err != nil {
		t.Fatal(err)
	}
	if printed, err := os.ReadFile(path); err != nil || len(printed) > 0 {
		t.Errorf("printed %q (%v)", printed, err)
	}
}

func TestACancelledContextStartsNothing(t *testing.T) {
	torchtest.NoLeaks(t)
	c := testConfig(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, c, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(c.Out); err == nil {
		result, err := ReadResult(c.Out)
		if err != nil || result.Status != StatusInterrupted {
			t.Errorf("left a run that is not interrupted: %+v, %v", result, err)
		}
	}
}

func TestConfigJSONSaysWhatWasRun(t *testing.T) {
	c := testConfig(t)
	c.LR, c.MaxLength, c.SelectMetric = 0, 0, ""
	mustRun(t, c, nil)
	var saved runConfig
	if err := readJSON(filepath.Join(c.Out, "config.json"), &saved); err != nil {
		t.Fatal(err)
	}
	want := c
	want.LR, want.MaxLength, want.SelectMetric = saved.LR, 24, "accuracy"
	if diff := cmp.Diff(want, saved.Config); diff != "" || saved.LR <= 0 {
		t.Errorf("config.json (-want +got):\n%s", diff)
	}
	if saved.GopetVersion != version.Version || saved.LibtorchVersion != torch.Version() || len(saved.ModelFingerprint) != 64 || saved.DataFingerprint == "" {
		t.Errorf("%+v", saved)
	}
}

// TestAnAdapterKnowsHowItWasTuned opens adapters with nothing else said.
func TestAnAdapterKnowsHowItWasTuned(t *testing.T) {
	torchtest.NoLeaks(t)
	for _, dtype := range []string{"float32", "bfloat16"} {
		c := testConfig(t)
		c.DType, c.MaxLength = dtype, 4
		result := mustRun(t, c, nil)
		inference, split := openAdapter(t, c)
		scores, err := inference.Evaluate(t.Context(), split, nil)
		inference.Close()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(result.Test, scores.Values()); diff != "" {
			t.Errorf("%s (-run +eval):\n%s", dtype, diff)
		}
	}
}

// openAdapter opens a run's adapter as little said as can be.
func openAdapter(t *testing.T, c Config) (*Inference, data.Split) {
	t.Helper()
	dataset, err := data.Open(c.Data)
	if err != nil {
		t.Fatal(err)
	}
	split, err := data.FindSplit(dataset, data.Test)
	if err != nil {
		t.Fatal(err)
	}
	classify, err := FindTask(c.Task, c.Text, c.Label)
	if err != nil {
		t.Fatal(err)
	}
	inference, err := Open(t.Context(), Setup{
		Model: c.Model, Adapter: filepath.Join(c.Out, "adapter"), Task: classify, Dataset: dataset, Device: "cpu", Threads: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return inference, split
}

// someRows are texts of several lengths.
func someRows(t *testing.T, n int) []data.Row {
	t.Helper()
	rows := make([]data.Row, n)
	for i := range rows {
		var err error
		rows[i], err = data.RowOf("a test", int64(i), map[string]any{"text": strings.Repeat(words[i%len(words)]+" ", 1+i%6)})
		if err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

func TestPredictFromManyGoroutines(t *testing.T) {
	torchtest.NoLeaks(t)
	c := testConfig(t)
	mustRun(t, c, nil)
	inference, _ := openAdapter(t, c)
	defer inference.Close()
	rows := someRows(t, 70)
	want, err := inference.Predict(rows)
	if err != nil {
		t.Fatal(err)
	}
	vectors, err := inference.Embed(rows, bert.PoolMean)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 3 {
				got, err := inference.Predict(rows)
				if err != nil || !cmp.Equal(got, want) {
					t.Errorf("other predictions from another goroutine (%v)", err)
				}
				if again, err := inference.Embed(rows, bert.PoolMean); err != nil || !slices.EqualFunc(again, vectors, slices.Equal) {
					t.Errorf("other embeddings from another goroutine (%v)", err)
				}
			}
		})
	}
	group.Wait()
}

// TestARunThatDivergesFails wants files that are JSON all the same.
func TestARunThatDivergesFails(t *testing.T) {
	torchtest.NoLeaks(t)
	c := testConfig(t)
	c.LR, c.Steps, c.Schedule, c.Clip = 1e38, 100, "constant", 0
	c.SaveEvery = 1
	result, err := Run(t.Context(), c, nil)
	if err == nil || !strings.Contains(err.Error(), "take a smaller --lr") || strings.Contains(err.Error(), "\n") {
		t.Fatalf("error %v", err)
	}
	if result.Status != StatusFailed || result.Error != err.Error() {
		t.Errorf("%+v", result)
	}
	saved, err := ReadResult(c.Out)
	if err != nil || saved.Status != StatusFailed {
		t.Errorf("result.json: %+v, %v", saved, err)
	}
	metricsOf(t, c.Out)
}

func TestClassWeightsAreBalanced(t *testing.T) {
	c := testConfig(t)
	dataset, err := data.Open(c.Data)
	if err != nil {
		t.Fatal(err)
	}
	split, err := data.FindSplit(dataset, data.Train)
	if err != nil {
		t.Fatal(err)
	}
	classify, err := FindTask(c.Task, c.Text, c.Label)
	if err != nil {
		t.Fatal(err)
	}
	if classify, err = classify.WithLabels([]string{"animal", "colour", "never", "number"}).Bind(t.Context(), dataset); err != nil {
		t.Fatal(err)
	}
	weights, err := classWeights(t.Context(), split, classify)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{60.0 / (4 * 20), 60.0 / (4 * 20), 0, 60.0 / (4 * 20)} {
		if math.Abs(float64(weights[i])-want) > 1e-6 {
			t.Errorf("class %d weighs %g, want %g", i, weights[i], want)
		}
	}
}

func TestWarmUpIsAShareUnlessGiven(t *testing.T) {
	c := DefaultConfig()
	if got := c.warmup(200); got != 12 {
		t.Errorf("%d steps of 200, want 12", got)
	}
	c.Warmup = 5
	if got := c.warmup(200); got != 5 {
		t.Errorf("%d steps, want the 5 given", got)
	}
}
