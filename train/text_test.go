package train

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/column"
	"github.com/gopet-ml/gopet/data/shard"
	"github.com/gopet-ml/gopet/data/task"
	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/pet"
)

// textModel is a tiny T5 of testdata with a tokenizer of whole words.
func textModel(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"config.json", "model.safetensors"} {
		content, err := os.ReadFile(filepath.Join("testdata", "peft", "t5-gated", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(content))
	}
	vocabulary := [][2]any{{"<pad>", 0.0}, {"</s>", 0.0}, {"<unk>", 0.0}, {"▁", -3.0}}
	for _, word := range slices.Concat(words, []string{"Input:", "Output:", "colour", "number", "animal", "a", "b", "c", "d", "e"}) {
		vocabulary = append(vocabulary, [2]any{"▁" + word, -2.0})
	}
	tokenizer, err := json.Marshal(map[string]any{
		"version": "1.0",
		"added_tokens": []map[string]any{
			added(0, "<pad>"), added(1, "</s>"), added(2, "<unk>"),
		},
		"pre_tokenizer": map[string]any{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
		"post_processor": map[string]any{
			"type":   "TemplateProcessing",
			"single": []any{sequence("A"), special("</s>")}, "pair": []any{sequence("A"), special("</s>"), sequence("B"), special("</s>")},
			"special_tokens": map[string]any{"</s>": map[string]any{"id": "</s>", "ids": []int{1}, "tokens": []string{"</s>"}}},
		},
		"decoder": map[string]any{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
		"model":   map[string]any{"type": "Unigram", "unk_id": 2, "vocab": vocabulary, "byte_fallback": false},
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "tokenizer.json"), string(tokenizer))
	write(t, filepath.Join(dir, "tokenizer_config.json"), `{"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}`)
	return dir
}

func added(id int, token string) map[string]any {
	return map[string]any{"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}
}

func sequence(id string) map[string]any {
	return map[string]any{"Sequence": map[string]any{"id": id, "type_id": 0}}
}

func special(id string) map[string]any {
	return map[string]any{"SpecialToken": map[string]any{"id": id, "type_id": 0}}
}

func textConfig(t *testing.T, method string) Config {
	c := testConfig(t)
	c.Model, c.Method, c.Dropout, c.Baselines = textModel(t), method, 0, true
	if !strings.HasPrefix(method, "apet-") {
		c.K = 0
	}
	c.PromptLength = 5
	return c
}

// reopen loads a run's adapter.
func reopen(t *testing.T, c Config, tsk *task.Task, dataset data.Dataset) *Inference {
	t.Helper()
	inference, err := Open(t.Context(), Setup{
		Model: c.Model, Adapter: filepath.Join(c.Out, adapterDir), Task: tsk, Dataset: dataset, Device: "cpu", Threads: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return inference
}

// Every method tunes a T5 to name labels; its adapter scores the same again.
func TestEveryMethodTunesTextToText(t *testing.T) {
	for _, method := range pet.Methods() {
		t.Run(method.Name(), func(t *testing.T) {
			torchtest.NoLeaks(t)
			c := textConfig(t, method.Name())
			result := mustRun(t, c, nil)
			if result.Trainable.Method == 0 || result.Trainable.Head != 0 {
				t.Errorf("trainable %+v", result.Trainable)
			}
			if b := result.Baselines; b == nil || b.HeadOnly != nil || len(b.Untuned) != len(result.Test) {
				t.Errorf("baselines %+v", b)
			}
			for _, name := range []string{task.Accuracy, task.MacroF1, task.MatthewsCorrelation, task.ExactMatch} {
				if _, ok := result.Test[name]; !ok {
					t.Errorf("no %s in %v", name, result.Test)
				}
			}
			dataset, err := data.Open(c.Data)
			if err != nil {
				t.Fatal(err)
			}
			tsk, err := FindTask(c.Task, c.Text, c.Label)
			if err != nil {
				t.Fatal(err)
			}
			inference := reopen(t, c, tsk, dataset)
			defer inference.Close()
			split, err := data.FindSplit(dataset, data.Test)
			if err != nil {
				t.Fatal(err)
			}
			scores, err := inference.Evaluate(t.Context(), split, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(result.Test, scores.Values()); diff != "" {
				t.Errorf("at the end of the run (-), from its adapter (+):\n%s", diff)
			}
		})
	}
}

// A tiny T5 learns to name what the first word is.
func TestTextToTextLearns(t *testing.T) {
	torchtest.NoLeaks(t)
	c := textConfig(t, "full")
	c.Steps, c.EvalEvery, c.LR, c.Batch, c.MicroBatch = 200, 50, 1e-2, 20, 7
	result := mustRun(t, c, nil)
	if got := result.Test[task.Accuracy]; got < 0.9 {
		t.Errorf("ranking is right in %g of the rows", got)
	}
	if got := result.Test[task.ExactMatch]; got < 0.9 {
		t.Errorf("what is written is right in %g of the rows", got)
	}
}

func TestTextPredictionsFromManyGoroutines(t *testing.T) {
	torchtest.NoLeaks(t)
	classify, err := task.Classify([]string{"text"}, "kind")
	if err != nil {
		t.Fatal(err)
	}
	inference, err := Open(t.Context(), Setup{
		Model: textModel(t), Task: classify.WithLabels([]string{"colour", "number", "animal"}), Device: "cpu", Threads: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer inference.Close()
	rows := someRows(t, 40)
	want, err := inference.Predict(rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range want {
		sum := 0.0
		for _, score := range p.Scores {
			sum += score
		}
		if math.Abs(sum-1) > 1e-9 || p.Scores[p.Label] < 1.0/3 || len(p.Logits) != 3 || p.Text != nil {
			t.Fatalf("prediction %+v", p)
		}
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 2 {
				if got, err := inference.Predict(rows); err != nil || !cmp.Equal(got, want) {
					t.Errorf("other predictions from another goroutine (%v)", err)
				}
			}
		})
	}
	group.Wait()
}

// questions are rows of nq_open, each with two right answers.
func questions(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for split, rows := range map[string]int{data.Train: 30, data.Validation: 10, data.Test: 10} {
		question := column.Values{Schema: column.Schema{Name: "question", Kind: column.String}}
		answer := column.Values{Schema: column.Schema{Name: "answer", Kind: column.Strings}}
		for i := range rows {
			question.Strings = append(question.Strings, words[i%6])
			answer.Lists = append(answer.Lists, []string{words[6+i%6], words[i%6]})
		}
		writeShard(t, filepath.Join(dir, split+"-00000-of-00001.parquet"), question, answer)
	}
	return dir
}

// A test split whose labels are kept back is left alone, aloud.
func TestATestSplitWithoutLabelsIsNotScored(t *testing.T) {
	torchtest.NoLeaks(t)
	dir := t.TempDir()
	for split, rows := range map[string]int{data.Train: 30, data.Validation: 10, data.Test: 10} {
		sentence := column.Values{Schema: column.Schema{Name: "sentence", Kind: column.String}}
		label := column.Values{Schema: column.Schema{Name: "label", Kind: column.Int}}
		for i := range rows {
			sentence.Strings, label.Ints = append(sentence.Strings, words[i%6]), append(label.Ints, int64(i%2))
			if split == data.Test {
				label.Ints[i] = -1
			}
		}
		writeShard(t, filepath.Join(dir, split+"-00000-of-00001.parquet"), sentence, label)
	}
	c := testConfig(t)
	c.Model, c.Data, c.Task, c.Text, c.Label = textModel(t), dir, "sst2", nil, ""
	var warnings []string
	result := mustRun(t, c, hooks{started: func(s Start) { warnings = s.Warnings }})
	if result.Test != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "the test split has no labels") {
		t.Errorf("test %v, warnings %q", result.Test, warnings)
	}
}

// A task that generates is scored by its texts, and predicts them.
func TestQuestionsAreAnswered(t *testing.T) {
	torchtest.NoLeaks(t)
	c := textConfig(t, "full")
	c.Data, c.Task, c.Text, c.Label = questions(t), "nq_open", nil, ""
	c.Steps, c.EvalEvery, c.LR, c.Batch = 150, 50, 1e-2, 15
	result := mustRun(t, c, nil)
	for _, name := range []string{task.ExactMatch, task.F1, task.RougeL} {
		if got := result.Test[name]; got < 0.9 {
			t.Errorf("%s is %g", name, got)
		}
	}
	tsk, err := task.Lookup("nq_open")
	if err != nil {
		t.Fatal(err)
	}
	inference := reopen(t, c, tsk, nil)
	defer inference.Close()
	row, err := data.RowOf("memory", 0, map[string]any{"question": "green"})
	if err != nil {
		t.Fatal(err)
	}
	predictions, err := inference.Predict([]data.Row{row})
	if err != nil || predictions[0].Text == nil || *predictions[0].Text != "dog" || predictions[0].Label != "" {
		t.Errorf("prediction %+v, error %v", predictions, err)
	}
}

func TestWhatTextToTextCannotDo(t *testing.T) {
	torchtest.NoLeaks(t)
	for name, test := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"a head's task":        {func(c *Config) { c.ClassWeights = true }, "class weights are for classification heads"},
		"no tokenizer":         {func(c *Config) { remove(t, filepath.Join(c.Model, "tokenizer.json")) }, "tokenizer.json"},
		"metric of texts":      {func(c *Config) { c.SelectMetric = task.RougeL }, "does not score answers by label words"},
		"no entries":           {func(c *Config) { c.Method, c.K = "apet-discrete", 0 }, "nothing to tune"},
		"BERT without answers": {func(c *Config) { c.Model, c.Data, c.Task = testModel(t), questions(t), "nq_open" }, `task "nq_open" generates text`},
	} {
		t.Run(name, func(t *testing.T) {
			c := textConfig(t, "lora")
			test.change(&c)
			_, err := Run(t.Context(), c, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, test.want)
			}
			if _, err := os.Stat(c.Out); err == nil {
				t.Error("a run directory was made")
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func writeShard(t *testing.T, path string, columns ...column.Values) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var schemas []column.Schema
	for _, c := range columns {
		schemas = append(schemas, c.Schema)
	}
	writer, err := shard.NewWriter(file, schemas)
	if err == nil {
		err = writer.Write(columns)
	}
	if err == nil {
		err = writer.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}
