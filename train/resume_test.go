package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/internal/torchtest"
)

// sameRun compares what two runs have learned and logged.
func sameRun(t *testing.T, want, got string) {
	t.Helper()
	if !bytes.Equal(adapterOf(t, want), adapterOf(t, got)) {
		t.Error("the adapter differs from the uninterrupted run's")
	}
	if diff := cmp.Diff(metricsOf(t, want), metricsOf(t, got)); diff != "" {
		t.Errorf("metrics.jsonl (-whole +resumed):\n%s", diff)
	}
}

// TestInterruptedAgainAndAgain resumes after every single step, in each kind
// of state a run can have.
func TestInterruptedAgainAndAgain(t *testing.T) {
	torchtest.NoLeaks(t)
	for name, change := range map[string]func(*Config){
		"bfloat16":                  func(c *Config) { c.DType = "bfloat16" },
		"bfloat16, full":            func(c *Config) { c.DType, c.Method = "bfloat16", "full" },
		"adjacent, micro-batches":   func(c *Config) { c.Method, c.MicroBatch = "apet-adjacent", 3 },
		"class weights, decay":      func(c *Config) { c.ClassWeights, c.WeightDecay = true, 0.1 },
		"every third step logged":   func(c *Config) { c.LogEvery = 3 },
		"patience":                  func(c *Config) { c.EvalEvery, c.Patience, c.LR, c.Schedule = 1, 5, 1e-12, "constant" },
		"epochs of uneven batches":  func(c *Config) { c.Steps, c.EvalEvery, c.Epochs, c.Batch = 0, 0, 2, 7 },
		"of an adapter's own start": startFromAdapter(t),
		"lora, bfloat16":            func(c *Config) { c.Method, c.DType = "lora", "bfloat16" },
		"adapter":                   func(c *Config) { c.Method = "adapter" },
		"prompt":                    func(c *Config) { c.Method, c.PromptLength = "prompt", 4 },
		"bitfit, text to text":      func(c *Config) { c.Method, c.Model = "bitfit", textModel(t) },
		"lora, text to text":        func(c *Config) { c.Method, c.Model, c.MicroBatch = "lora", textModel(t), 3 },
	} {
		t.Run(name, func(t *testing.T) {
			whole := testConfig(t)
			change(&whole)
			mustRun(t, whole, nil)
			c := whole
			c.Out = filepath.Join(t.TempDir(), "run")
			result, err := oneStep(t, func(ctx context.Context, o Observer) (*Result, error) { return Run(ctx, c, o) })
			for resumed := 0; err != nil; resumed++ {
				if !errors.Is(err, context.Canceled) || resumed > 30 {
					t.Fatal(err)
				}
				result, err = oneStep(t, func(ctx context.Context, o Observer) (*Result, error) { return Resume(ctx, c.Out, o) })
			}
			if result.Status != StatusFinished {
				t.Errorf("%+v", result)
			}
			sameRun(t, whole.Out, c.Out)
		})
	}
}

func startFromAdapter(t *testing.T) func(*Config) {
	first := testConfig(t)
	first.Steps, first.EvalEvery = 2, 2
	mustRun(t, first, nil)
	return func(c *Config) {
		c.Adapter, c.Model = filepath.Join(first.Out, "adapter"), first.Model
	}
}

// oneStep cancels a run when it has made a step.
func oneStep(t *testing.T, run func(context.Context, Observer) (*Result, error)) (*Result, error) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	return run(ctx, hooks{stepped: func(Step) { cancel() }})
}

// TestAKilledRunGoesOnFromItsLastCheckpoint resumes copies of a run's
// directory taken at every step, as a process leaves it that is killed there.
func TestAKilledRunGoesOnFromItsLastCheckpoint(t *testing.T) {
	torchtest.NoLeaks(t)
	c := testConfig(t)
	c.SaveEvery = 3
	copies := t.TempDir()
	mustRun(t, c, hooks{stepped: func(s Step) {
		if s.Step > 3 && s.Step%2 == 0 {
			if err := os.CopyFS(filepath.Join(copies, filepath.Base(t.Name()), string(rune('a'+s.Step))), os.DirFS(c.Out)); err != nil {
				t.Error(err)
			}
		}
	}})
	dirs, err := filepath.Glob(filepath.Join(copies, "*", "*"))
	if err != nil || len(dirs) != 7 {
		t.Fatalf("%d copies (%v)", len(dirs), err)
	}
	for _, dir := range dirs {
		if _, err := Resume(t.Context(), dir, nil); err != nil {
			t.Fatal(err)
		}
		sameRun(t, c.Out, dir)
	}
}

func TestResumeRefuses(t *testing.T) {
	torchtest.NoLeaks(t)
	finished := testConfig(t)
	mustRun(t, finished, nil)
	interrupted := finished
	interrupted.Out = filepath.Join(t.TempDir(), "run")
	if _, err := oneStep(t, func(ctx context.Context, o Observer) (*Result, error) { return Run(ctx, interrupted, o) }); err == nil {
		t.Fatal("not interrupted")
	}
	for name, test := range map[string]struct {
		spoil func(t *testing.T, dir string) string
		want  string
	}{
		"finished":      {func(t *testing.T, dir string) string { return finished.Out }, "the run has finished"},
		"no run":        {func(t *testing.T, dir string) string { return t.TempDir() }, "there is no run to resume"},
		"no checkpoint": {func(t *testing.T, dir string) string { removeAll(t, dir, "checkpoints"); return dir }, "no checkpoint to resume from"},
		"other data": {func(t *testing.T, dir string) string {
			editJSON(t, filepath.Join(dir, "config.json"), "data_fingerprint", "0")
			return dir
		}, "no longer holds the data"},
		"other model": {func(t *testing.T, dir string) string {
			editJSON(t, filepath.Join(dir, "config.json"), "model_fingerprint", "0")
			return dir
		}, "no longer the model"},
		"broken settings": {func(t *testing.T, dir string) string { write(t, filepath.Join(dir, "config.json"), "{"); return dir }, "config.json"},
		"broken progress": {func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, "checkpoints", "step-1", "progress.json"), "{")
			return dir
		}, "progress.json"},
		"no optimizer": {func(t *testing.T, dir string) string {
			removeAll(t, dir, "checkpoints/step-1/optimizer.safetensors")
			return dir
		}, "optimizer.safetensors"},
		"cut short": {func(t *testing.T, dir string) string {
			if err := os.Truncate(filepath.Join(dir, "checkpoints", "step-1", "tuned.safetensors"), 500); err != nil {
				t.Fatal(err)
			}
			return dir
		}, "tuned.safetensors"},
	} {
		t.Run(name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(copied, os.DirFS(interrupted.Out)); err != nil {
				t.Fatal(err)
			}
			dir := test.spoil(t, copied)
			before := listing(t, dir)
			_, err := Resume(t.Context(), dir, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, test.want)
			}
			if diff := cmp.Diff(before, listing(t, dir)); diff != "" {
				t.Errorf("the run directory has changed:\n%s", diff)
			}
		})
	}
}

func removeAll(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func editJSON(t *testing.T, path, field string, value any) {
	t.Helper()
	fields := map[string]any{}
	if err := readJSON(path, &fields); err != nil {
		t.Fatal(err)
	}
	fields[field] = value
	content, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(content))
}

// listing is the files under dir and their contents.
func listing(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, path))
		files[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestLogsAreCutWhereTheCheckpointEnds(t *testing.T) {
	const steps = `{"step":1}` + "\n" + `{"step":2}` + "\n"
	const evaluation = `{"step":2,"split":"validation"}` + "\n"
	for _, test := range []struct {
		log  string
		at   progress
		want string
	}{
		{steps + evaluation, progress{Step: 2, Evaluated: 2}, steps + evaluation},
		{steps + evaluation, progress{Step: 2}, steps},
		{steps + evaluation, progress{Step: 1}, steps[:11]},
		{steps + evaluation, progress{}, ""},
		{steps + evaluation + `{"step":2,"split":"test"}` + "\n", progress{Step: 9, Evaluated: 9}, steps + evaluation},
		{steps + `{"step":3`, progress{Step: 9}, steps},
		{steps + `{"step":3}`, progress{Step: 9}, steps},
		{steps + "\x00\x00\n", progress{Step: 9}, steps},
	} {
		keep, err := metricsUntil(strings.NewReader(test.log), test.at)
		if err != nil || test.log[:keep] != test.want {
			t.Errorf("%q at %d, %d: kept %q (%v), want %q", test.log, test.at.Step, test.at.Evaluated, test.log[:keep], err, test.want)
		}
	}
}
