package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/importer"
	"github.com/gopet-ml/gopet/data/task"
	"github.com/gopet-ml/gopet/internal/torchtest"
)

func TestMain(m *testing.M) { torchtest.Main(m) }

// words are the vocabulary of the tests after the special tokens.
var words = []string{"red", "green", "blue", "one", "two", "three", "cat", "dog", "bird", "runs", "sleeps", "sings"}

// testModel is the tiny BERT of testdata with a tokenizer.
func testModel(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"config.json", "model.safetensors"} {
		content, err := os.ReadFile(filepath.Join("testdata", "tiny", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(content))
	}
	write(t, filepath.Join(dir, "vocab.txt"), strings.Join(append([]string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}, words...), "\n")+"\n")
	return dir
}

// testData is rows whose label is told by their first word.
func testData(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	inputs := map[string][]string{}
	for split, rows := range map[string]int{data.Train: 60, data.Validation: 20, data.Test: 70} {
		var table strings.Builder
		table.WriteString("text\tkind\n")
		for i := range rows {
			label := []string{"colour", "number", "animal"}[i%3]
			text := words[i%3*3+i/3%3] + strings.Repeat(" "+words[(i*7)%len(words)], 1+i%5)
			fmt.Fprintf(&table, "%s\t%s\n", text, label)
		}
		path := filepath.Join(dir, split+".tsv")
		write(t, path, table.String())
		inputs[split] = []string{path}
	}
	out := filepath.Join(dir, "shards")
	if _, err := importer.Import(t.Context(), importer.Options{Inputs: inputs, Out: out, Label: "kind", RowGroupRows: 16}); err != nil {
		t.Fatal(err)
	}
	return out
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// testConfig is a run of 16 steps with dropout on, evaluated every 4.
func testConfig(t *testing.T) Config {
	c := DefaultConfig()
	c.Model, c.Data, c.Out = testModel(t), testData(t), filepath.Join(t.TempDir(), "run")
	c.Task, c.Text, c.Label = task.ClassifyName, []string{"text"}, "kind"
	c.Method, c.K, c.LR, c.Seed = "apet-discrete", 200, 1e-2, 7
	c.Steps, c.EvalEvery, c.Batch, c.MaxLength, c.LogEvery, c.Dropout = 16, 4, 8, 12, 1, 0.1
	c.Device, c.Threads = "cpu", 1
	return c
}

// hooks is an Observer of functions, any of which may be nil.
type hooks struct {
	started    func(Start)
	stepped    func(Step)
	evaluating func(split string)
	evaluated  func(Evaluation)
	measuring  func(what string, done int64)
}

func (h hooks) Started(s Start) {
	if h.started != nil {
		h.started(s)
	}
}

func (h hooks) Downloading(string, int64, int64) {}

func (h hooks) Measuring(what string, done, _ int64) {
	if h.measuring != nil {
		h.measuring(what, done)
	}
}

func (h hooks) Stepped(s Step) {
	if h.stepped != nil {
		h.stepped(s)
	}
}

func (h hooks) Evaluating(split string, _, _ int64) {
	if h.evaluating != nil {
		h.evaluating(split)
	}
}

func (h hooks) Evaluated(e Evaluation) {
	if h.evaluated != nil {
		h.evaluated(e)
	}
}

func mustRun(t *testing.T, c Config, o Observer) *Result {
	t.Helper()
	result, err := Run(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestRunLeavesARunDirectory(t *testing.T) {
	torchtest.NoLeaks(t)
	c := testConfig(t)
	var order []string
	result := mustRun(t, c, hooks{
		started: func(s Start) { order = append(order, fmt.Sprint("start ", s.Steps)) },
		stepped: func(s Step) {
			if s.Step%4 == 0 {
				order = append(order, fmt.Sprint("step ", s.Step))
			}
		},
		evaluated: func(e Evaluation) { order = append(order, fmt.Sprint(e.Split, " ", e.Step)) },
	})
	want := []string{"start 16", "step 4", "validation 4", "step 8", "validation 8", "step 12", "validation 12", "step 16", "validation 16",
		fmt.Sprint("test ", result.Best.Step)}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("what the observer saw (-want +got):\n%s", diff)
	}
	if result.Status != StatusFinished || result.Trainable.Method != 200 || result.Steps != 16 {
		t.Errorf("result %+v", result)
	}
	saved, err := ReadResult(c.Out)
	if err != nil {
		t.Fatal(err)
	}
	saved.TestScores = result.TestScores
	if diff := cmp.Diff(fmt.Sprintf("%+v", result.Test), fmt.Sprintf("%+v", saved.Test)); diff != "" {
		t.Errorf("result.json (-returned +saved):\n%s", diff)
	}
	for _, name := range []string{"config.json", "metrics.jsonl", "adapter/adapter_config.json", "adapter/adapter_model.safetensors", "best/adapter_model.safetensors"} {
		if _, err := os.Stat(filepath.Join(c.Out, name)); err != nil {
			t.Error(err)
		}
	}
	if found, _ := filepath.Glob(filepath.Join(c.Out, "events.out.tfevents.*")); len(found) != 1 {
		t.Errorf("%d event files", len(found))
	}
	if _, err := Run(t.Context(), c, nil); err == nil || !strings.Contains(err.Error(), "already holds a run") {
		t.Errorf("a second run in the same directory: %v", err)
	}
}

func TestTuningLearns(t *testing.T) {
	c := testConfig(t)
	c.Steps, c.EvalEvery, c.K = 120, 40, 2000
	result := mustRun(t, c, nil)
	if accuracy := result.Test["accuracy"]; accuracy < 0.9 {
		t.Errorf("test accuracy %.3f after 120 steps on rows that one word tells apart", accuracy)
	}
}

func TestEvaluateEqualsTheRunsTestScore(t *testing.T) {
	torchtest.NoLeaks(t)
	for _, method := range []string{"apet-discrete", "apet-adjacent", "full"} {
		c := testConfig(t)
		c.Method = method
		result := mustRun(t, c, nil)
		dataset, err := data.Open(c.Data)
		if err != nil {
			t.Fatal(err)
		}
		classify, err := task.Classify(c.Text, c.Label)
		if err != nil {
			t.Fatal(err)
		}
		inference, err := Open(t.Context(), Setup{
			Model: c.Model, Adapter: filepath.Join(c.Out, "adapter"), Task: classify, Dataset: dataset,
			MaxLength: c.MaxLength, Device: "cpu", DType: "float32", Threads: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		split, err := data.FindSplit(dataset, data.Test)
		if err != nil {
			t.Fatal(err)
		}
		scores, err := inference.Evaluate(t.Context(), split, nil)
		inference.Close()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(result.Test, scores.Values()); diff != "" {
			t.Errorf("%s: (-run +eval):\n%s", method, diff)
		}
	}
}

// metricsOf are the lines of a run's log but for how fast it was.
func metricsOf(t *testing.T, run string) []string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(run, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(content)) {
		fields := map[string]any{}
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		delete(fields, "samples_per_second")
		text, _ := json.Marshal(fields)
		lines = append(lines, string(text))
	}
	return lines
}

func adapterOf(t *testing.T, run string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(run, "adapter", "adapter_model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestResumingChangesNothing(t *testing.T) {
	torchtest.NoLeaks(t)
	for _, method := range []string{"apet-discrete", "full"} {
		whole := testConfig(t)
		whole.Method, whole.SaveEvery = method, 3
		mustRun(t, whole, nil)
		for name, interrupt := range map[string]func(cancel func()) hooks{
			"before the first step": func(cancel func()) hooks { return hooks{started: func(Start) { cancel() }} },
			"after step 5": func(cancel func()) hooks {
				return hooks{stepped: func(s Step) {
					if s.Step == 5 {
						cancel()
					}
				}}
			},
			"after the last step": func(cancel func()) hooks {
				return hooks{stepped: func(s Step) {
					if s.Step == 16 {
						cancel()
					}
				}}
			},
			"while validation is scored": func(cancel func()) hooks { return hooks{evaluating: func(string) { cancel() }} },
			"while test is scored": func(cancel func()) hooks {
				return hooks{evaluating: func(split string) {
					if split == data.Test {
						cancel()
					}
				}}
			},
		} {
			t.Run(method+" "+name, func(t *testing.T) {
				c := whole
				c.Out = filepath.Join(t.TempDir(), "run")
				ctx, cancel := context.WithCancel(t.Context())
				result, err := Run(ctx, c, interrupt(cancel))
				if !errors.Is(err, context.Canceled) || result == nil || result.Status != StatusInterrupted {
					t.Fatalf("interrupted: %+v, %v", result, err)
				}
				if result, err = Resume(t.Context(), c.Out, nil); err != nil {
					t.Fatal(err)
				}
				if result.Status != StatusFinished || result.Steps != 16 {
					t.Errorf("resumed: %+v", result)
				}
				if !bytes.Equal(adapterOf(t, whole.Out), adapterOf(t, c.Out)) {
					t.Error("the adapter differs from the uninterrupted run's")
				}
				if diff := cmp.Diff(metricsOf(t, whole.Out), metricsOf(t, c.Out)); diff != "" {
					t.Errorf("metrics.jsonl (-whole +resumed):\n%s", diff)
				}
			})
		}
	}
}

func TestSameSeedSameRun(t *testing.T) {
	a, b, other := testConfig(t), testConfig(t), testConfig(t)
	other.Seed++
	for _, c := range []Config{a, b, other} {
		mustRun(t, c, nil)
	}
	if !bytes.Equal(adapterOf(t, a.Out), adapterOf(t, b.Out)) {
		t.Error("two runs of one seed differ")
	}
	if bytes.Equal(adapterOf(t, a.Out), adapterOf(t, other.Out)) {
		t.Error("another seed gives the same run")
	}
}

func TestMicroBatchesAreTheWholeBatch(t *testing.T) {
	whole := testConfig(t)
	whole.Dropout = 0
	parts := whole
	parts.MicroBatch, parts.Out = 3, filepath.Join(t.TempDir(), "run")
	a, b := mustRun(t, whole, nil), mustRun(t, parts, nil)
	near(t, "test loss in micro-batches", b.Test["loss"], a.Test["loss"], 1e-4)
}

func TestPatienceStopsARun(t *testing.T) {
	c := testConfig(t)
	c.Steps, c.EvalEvery, c.Patience, c.LR = 400, 1, 3, 1e-12
	c.Schedule = "constant"
	result := mustRun(t, c, nil)
	if result.Steps != 4 || result.Best.Step != 1 {
		t.Errorf("stopped at step %d with the best at %d: nothing improves, so want 4 and 1", result.Steps, result.Best.Step)
	}
}

func TestOtherSettingsRun(t *testing.T) {
	torchtest.NoLeaks(t)
	for name, change := range map[string]func(*Config){
		"bfloat16":           func(c *Config) { c.DType = "bfloat16" },
		"bfloat16, full":     func(c *Config) { c.DType, c.Method = "bfloat16", "full" },
		"class weights":      func(c *Config) { c.ClassWeights = true },
		"k = 0":              func(c *Config) { c.K = 0 },
		"head frozen":        func(c *Config) { c.Head = "freeze" },
		"every parameter":    func(c *Config) { c.Targets = "all" },
		"q and v":            func(c *Config) { c.Targets = "qv" },
		"file order":         func(c *Config) { c.Shuffle = false },
		"epochs":             func(c *Config) { c.Steps, c.EvalEvery, c.Epochs = 0, 0, 2 },
		"cosine and warm-up": func(c *Config) { c.Schedule, c.Warmup = "cosine", 4 },
		"another metric":     func(c *Config) { c.SelectMetric = "macro_f1" },
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfig(t)
			change(&c)
			result := mustRun(t, c, nil)
			if result.Status != StatusFinished || result.Best == nil || result.Test == nil {
				t.Errorf("%+v", result)
			}
		})
	}
}

func TestStartingFromAnAdapter(t *testing.T) {
	torchtest.NoLeaks(t)
	first := testConfig(t)
	before := mustRun(t, first, nil)
	second := first
	second.Adapter, second.Out = filepath.Join(first.Out, "adapter"), filepath.Join(t.TempDir(), "run")
	second.LR, second.Steps, second.EvalEvery = 1e-12, 1, 1
	after := mustRun(t, second, nil)
	near(t, "test loss of an adapter that is tuned no further", after.Test["loss"], before.Test["loss"], 1e-5)
	second.Method, second.Out = "full", filepath.Join(t.TempDir(), "run")
	if _, err := Run(t.Context(), second, nil); err == nil || !strings.Contains(err.Error(), "apet-discrete") {
		t.Errorf("an adapter of another method: %v", err)
	}
}
