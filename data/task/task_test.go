package task

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/column"
)

func row(t *testing.T, values map[string]any) data.Row {
	t.Helper()
	r, err := data.RowOf("file", 7, values)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The templates and label words of the paper's reference code, with the two
// parts joined as its models read them.
func TestPaperTemplates(t *testing.T) {
	for _, c := range []struct {
		task   string
		values map[string]any
		want   string
		kind   string
		labels []string
	}{
		{"sst2", map[string]any{"sentence": "X"}, "sentence: X", Sentiment, []string{"negative", "positive"}},
		{"rotten_tomatoes", map[string]any{"text": "X"}, "X", Sentiment, []string{"negative", "positive"}},
		{"imdb", map[string]any{"text": "X"}, "X", Sentiment, []string{"negative", "positive"}},
		{"mnli", map[string]any{"premise": "A", "hypothesis": "B"}, "premise: A [SEP] hypothesis: B", Inference, []string{"entailment", "neutral", "contradiction"}},
		{"qnli", map[string]any{"question": "A", "sentence": "B"}, "question: A [SEP] sentence: B", Inference, []string{"entailment", "not_entailment"}},
		{"rte", map[string]any{"sentence1": "A", "sentence2": "B"}, "sentence 1: A [SEP] sentence 2: B", Inference, []string{"entailment", "not_entailment"}},
		{"qqp", map[string]any{"question1": "A", "question2": "B"}, "question 1: A [SEP] question 2: B", Paraphrase, []string{"not_duplicate", "duplicate"}},
		{"mrpc", map[string]any{"sentence1": "A", "sentence2": "B"}, "sentence 1: A [SEP] sentence 2: B", Paraphrase, []string{"not_equivalent", "equivalent"}},
	} {
		task, err := Lookup(c.task)
		if err != nil {
			t.Fatal(err)
		}
		for label := range c.labels {
			c.values["label"] = label
			r := row(t, c.values)
			first, second, got, err := task.Render(r)
			if err != nil {
				t.Fatal(err)
			}
			if task.Pair() {
				first += " [SEP] " + second
			}
			if first != c.want || got != label {
				t.Errorf("%s renders %q, label %d, want %q, %d", c.task, first, got, c.want, label)
			}
			checkText(t, task, r, "Input: "+c.want+" Output: ", c.labels[label])
		}
		if diff := cmp.Diff(c.labels, task.Labels); diff != "" || task.Type != c.kind || task.Metric != Accuracy {
			t.Errorf("%s: type %s, metric %s, labels (-want +got):\n%s", c.task, task.Type, task.Metric, diff)
		}
	}
}

// checkText compares what a text-to-text model reads and may answer; the first
// answer is the one it is taught.
func checkText(t *testing.T, task *Task, r data.Row, source string, references ...string) {
	t.Helper()
	got, err := task.Source(r)
	if err != nil || got != source {
		t.Errorf("%s reads %q, %v, want %q", task.Name, got, err, source)
	}
	answers, err := task.References(r)
	if diff := cmp.Diff(references, answers); err != nil || diff != "" {
		t.Errorf("%s: %v, references (-want +got):\n%s", task.Name, err, diff)
	}
	if target, err := task.Target(r); err != nil || target != references[0] {
		t.Errorf("%s: target %q, %v, want %q", task.Name, target, err, references[0])
	}
}

func TestPaperGeneration(t *testing.T) {
	for _, c := range []struct {
		task       string
		values     map[string]any
		source     string
		references []string
		kind       string
		metric     string
	}{
		{"nq_open", map[string]any{"question": "who is it", "answer": []string{"B", "A"}}, "Input: who is it Output: ", []string{"B", "A"}, QuestionAnswering, ExactMatch},
		{"samsum", map[string]any{"dialogue": "A: hi\r\nB: ho", "summary": "They greet."}, "Input: summarize: A: hi\r\nB: ho Output: ", []string{"They greet."}, Summarisation, RougeL},
		{"multi_news", map[string]any{"document": "X ||||| Y", "summary": ""}, "Input: summarize: X ||||| Y Output: ", []string{""}, Summarisation, RougeL},
	} {
		task, err := Lookup(c.task)
		if err != nil {
			t.Fatal(err)
		}
		checkText(t, task, row(t, c.values), c.source, c.references...)
		if !task.Generates() || task.Type != c.kind || task.Metric != c.metric || task.Labels != nil {
			t.Errorf("%s: type %s, metric %s, labels %q", c.task, task.Type, task.Metric, task.Labels)
		}
	}
}

func TestTextErrors(t *testing.T) {
	for _, c := range []struct {
		task   string
		values map[string]any
		want   string
	}{
		{"nq_open", map[string]any{"question": "q", "answer": []string{}}, `file: row 7: target column "answer" has no texts`},
		{"nq_open", map[string]any{"question": "q", "answer": nil}, `file: row 7: target column "answer" is null`},
		{"nq_open", map[string]any{"question": "q", "answer": 3}, `file: row 7: column "answer" is of type int, not list of string`},
		{"nq_open", map[string]any{"question": "q", "answers": "a"}, `file: row 7: no column "answer"; did you mean "answers"?`},
		{"samsum", map[string]any{"dialogue": "d", "summary": "\xff"}, `file: row 7: column "summary" is not valid UTF-8`},
		{"rte", map[string]any{"sentence1": "a", "sentence2": "b", "label": 2}, `file: row 7: label 2 is not one of the 2 classes of column "label": 0=entailment 1=not_entailment`},
	} {
		task, err := Lookup(c.task)
		if err != nil {
			t.Fatal(err)
		}
		r := row(t, c.values)
		if _, err := task.Source(r); err != nil {
			t.Errorf("%s: the source needs no answer: %v", c.task, err)
		}
		_, err = task.References(r)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: references: error\n%v, want\n%s", c.task, err, c.want)
		}
		if _, err := task.Target(r); err == nil || err.Error() != c.want {
			t.Errorf("%s: target: error\n%v, want\n%s", c.task, err, c.want)
		}
	}
	qnli, err := Lookup("qnli")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := qnli.Source(row(t, map[string]any{"question": "q", "sentence": nil})); err == nil || err.Error() != `file: row 7: column "sentence" is null` {
		t.Errorf("half a pair: %v", err)
	}
}

// Labels that stand in no description, as those of Classify, are words too.
func TestClassifyAsText(t *testing.T) {
	task, err := Classify([]string{"a", "b"}, "topic")
	if err != nil {
		t.Fatal(err)
	}
	task = task.WithLabels([]string{"wheat", "corn"})
	checkText(t, task, row(t, map[string]any{"a": "one", "b": "", "topic": "corn"}), "Input: one [SEP]  Output: ", "corn")
}

func TestList(t *testing.T) {
	var lines []string
	for _, info := range List() {
		lines = append(lines, strings.Join([]string{
			info.Name, info.Type, strings.Join(info.Columns, "+"), strings.Join(info.Labels, "/"), info.Metric, info.Template,
		}, ", "))
		if info.Metrics[0] != info.Metric && info.Metric != RougeL {
			t.Errorf("%s: metric %s of %v", info.Name, info.Metric, info.Metrics)
		}
	}
	want := []string{
		"sst2, sentiment, sentence+label, negative/positive, accuracy, sentence: {sentence}",
		"rotten_tomatoes, sentiment, text+label, negative/positive, accuracy, {text}",
		"imdb, sentiment, text+label, negative/positive, accuracy, {text}",
		"mnli, inference, premise+hypothesis+label, entailment/neutral/contradiction, accuracy, premise: {premise} [SEP] hypothesis: {hypothesis}",
		"qnli, inference, question+sentence+label, entailment/not_entailment, accuracy, question: {question} [SEP] sentence: {sentence}",
		"rte, inference, sentence1+sentence2+label, entailment/not_entailment, accuracy, sentence 1: {sentence1} [SEP] sentence 2: {sentence2}",
		"qqp, paraphrase, question1+question2+label, not_duplicate/duplicate, accuracy, question 1: {question1} [SEP] question 2: {question2}",
		"mrpc, paraphrase, sentence1+sentence2+label, not_equivalent/equivalent, accuracy, sentence 1: {sentence1} [SEP] sentence 2: {sentence2}",
		"nq_open, question answering, question+answer, , exact_match, {question}",
		"samsum, summarisation, dialogue+summary, , rouge_l, summarize: {dialogue}",
		"multi_news, summarisation, document+summary, , rouge_l, summarize: {document}",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("the tasks of the paper (-want +got):\n%s", diff)
	}
}

func TestLookupErrors(t *testing.T) {
	for name, want := range map[string]string{
		"sst-2":    `unknown task "sst-2"; did you mean "sst2"?`,
		"clasify":  `unknown task "clasify"; did you mean "classify"?`,
		"classify": `task "classify" needs to know its columns: the texts and the label`,
	} {
		if _, err := Lookup(name); err == nil || err.Error() != want {
			t.Errorf("Lookup(%q): %v, want %q", name, err, want)
		}
	}
}

func TestRegister(t *testing.T) {
	t.Cleanup(func() {
		delete(registry.tasks, "topics")
		registry.order = registry.order[:len(registry.order)-1]
	})
	Register(&Task{Name: "topics", Metric: Accuracy, First: Template{Column: "t"}, LabelColumn: "l", Labels: []string{"a", "b"}})
	task, err := Lookup("topics")
	if err != nil {
		t.Fatal(err)
	}
	if label, err := task.Label(row(t, map[string]any{"l": "b"})); err != nil || label != 1 {
		t.Errorf("label %d, %v", label, err)
	}
	for _, bad := range []*Task{
		{Name: "topics", Metric: Accuracy, First: Template{Column: "t"}, LabelColumn: "l", Labels: []string{"a", "b"}},
		{Name: ClassifyName, Metric: Accuracy, First: Template{Column: "t"}, LabelColumn: "l", Labels: []string{"a", "b"}},
		{Name: "x", Metric: Accuracy, LabelColumn: "l", Labels: []string{"a", "b"}},
		{Name: "x", Metric: Accuracy, First: Template{Column: "t"}, Labels: []string{"a", "b"}},
		{Name: "x", Metric: Accuracy, First: Template{Column: "t"}, LabelColumn: "l", Labels: []string{"a"}},
		{Name: "x", First: Template{Column: "t"}, LabelColumn: "l", Labels: []string{"a", "b"}},
		{Name: "x", Metric: RougeL, First: Template{Column: "t"}, LabelColumn: "l", Labels: []string{"a", "b"}},
		{Name: "x", Metric: RougeL, First: Template{Column: "t"}, TargetColumn: "y", LabelColumn: "l"},
		{Name: "x", Metric: RougeL, First: Template{Column: "t"}, TargetColumn: "y", Labels: []string{"a", "b"}},
		{Name: "x", Metric: Accuracy, First: Template{Column: "t"}, TargetColumn: "y"},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("registered %+v", bad)
				}
			}()
			Register(bad)
		}()
	}
}

// A table is a data set of one block a split.
type table map[string]*data.Block

func (d table) Fingerprint() string { return "table" }
func (d table) Splits() (splits []data.Split) {
	for _, name := range data.SplitNames {
		if d[name] != nil {
			splits = append(splits, tableSplit{name, d[name]})
		}
	}
	return splits
}

type tableSplit struct {
	name  string
	block *data.Block
}

func (s tableSplit) Name() string     { return s.name }
func (s tableSplit) BlockRows() []int { return []int{s.block.Len()} }
func (s tableSplit) Columns() (out []column.Schema) {
	for _, c := range s.block.Columns {
		out = append(out, c.Schema)
	}
	return out
}

func (s tableSplit) ReadBlock(context.Context, int, []string) (*data.Block, error) {
	return s.block, nil
}

func block(columns ...column.Values) *data.Block {
	return &data.Block{Place: "file", Columns: columns}
}

func texts(name string, values ...string) column.Values {
	return column.Values{Schema: column.Schema{Name: name, Kind: column.String}, Strings: values}
}

func ints(name string, classes []string, values ...int64) column.Values {
	return column.Values{Schema: column.Schema{Name: name, Kind: column.Int, Classes: classes}, Ints: values}
}

func TestClassifyLabels(t *testing.T) {
	text := texts("text", "a", "b", "c")
	for _, c := range []struct {
		name   string
		label  column.Values
		preset []string
		want   []string
		first  int // the label of the first row
	}{
		{"class names of the metadata", ints("topic", []string{"x", "y", "z"}, 2, 0, 1), nil, []string{"x", "y", "z"}, 2},
		{"distinct strings, sorted", texts("topic", "wheat", "acq", "wheat"), nil, []string{"acq", "wheat"}, 1},
		{"distinct ints, by value", ints("topic", nil, 10, 9, -1), nil, []string{"-1", "9", "10"}, 2},
		{"a model's labels in another order", ints("topic", []string{"x", "y", "z"}, 2, 0, 1), []string{"z", "y", "x"}, []string{"z", "y", "x"}, 0},
		{"a model's labels over strings", texts("topic", "y", "x", "x"), []string{"x", "y"}, []string{"x", "y"}, 1},
		{"a model's labels over plain numbers", ints("topic", nil, 1, 0, 1), []string{"x", "y"}, []string{"x", "y"}, 1},
		{"a model's numeric labels", ints("topic", nil, 5, 3, 3), []string{"3", "5"}, []string{"3", "5"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			task, err := Classify([]string{"text"}, "topic")
			if err != nil {
				t.Fatal(err)
			}
			if c.preset != nil {
				task = task.WithLabels(c.preset)
			}
			b := block(text, c.label)
			task, err = task.Bind(context.Background(), table{data.Train: b})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, task.Labels); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
			first, second, label, err := task.Render(b.Row(0, 0))
			if err != nil || first != "a" || second != "" || label != c.first {
				t.Errorf("rendered %q, %q, %d, %v, want label %d", first, second, label, err, c.first)
			}
		})
	}
}

func TestClassifyPair(t *testing.T) {
	task, err := Classify([]string{"a", "b"}, "label")
	if err != nil {
		t.Fatal(err)
	}
	first, second, err := task.Text(row(t, map[string]any{"a": " one", "b": ""}))
	if err != nil || first != " one" || second != "" || !task.Pair() {
		t.Errorf("rendered %q, %q, %v", first, second, err)
	}
	for _, columns := range [][]string{nil, {""}, {"a", ""}, {"a", "b", "c"}} {
		if _, err := Classify(columns, "label"); err == nil {
			t.Errorf("columns %q were accepted", columns)
		}
	}
	if _, err := Classify([]string{"a"}, ""); err == nil {
		t.Error("no label column was accepted")
	}
}

func TestBindErrors(t *testing.T) {
	sst2, err := Lookup("sst2")
	if err != nil {
		t.Fatal(err)
	}
	classify, err := Classify([]string{"sentence"}, "label")
	if err != nil {
		t.Fatal(err)
	}
	samsum, err := Lookup("samsum")
	if err != nil {
		t.Fatal(err)
	}
	good := block(texts("sentence", "a", "b"), ints("label", nil, 0, 1))
	for _, c := range []struct {
		name string
		task *Task
		data table
		want string
	}{
		{"no split", sst2, table{}, `task "sst2": the data has no splits`},
		{"empty split", sst2, table{data.Train: good, data.Test: block(texts("sentence"), ints("label", nil))}, `task "sst2": split "test" is empty`},
		{"other column", sst2, table{data.Train: block(texts("sentense", "a"), ints("label", nil, 0))}, `task "sst2": split "train" has no column "sentence"; did you mean "sentense"?`},
		{"no label column", sst2, table{data.Train: block(texts("sentence", "a"), ints("labels", nil, 0))}, `task "sst2": split "train" has no column "label"; did you mean "labels"?`},
		{"text of numbers", sst2, table{data.Train: block(ints("sentence", nil, 1), ints("label", nil, 0))}, `task "sst2": split "train": column "sentence" is of type int, not string`},
		{"label of floats", sst2, table{data.Train: block(texts("sentence", "a"), column.Values{Schema: column.Schema{Name: "label", Kind: column.Float}, Floats: []float64{1}})}, `task "sst2": split "train": column "label" is of type float: labels are strings or ints`},
		{"other number of classes", sst2, table{data.Train: block(texts("sentence", "a"), ints("label", []string{"a", "b", "c"}, 0))}, `task "sst2": column "label" has the 3 classes ["a" "b" "c"], the task the 2 labels ["negative" "positive"]`},
		{"one label", classify, table{data.Train: block(texts("sentence", "a", "b"), texts("label", "x", "x"))}, `task "classify": column "label" has the one label "x": there is nothing to tell apart`},
		{"no training split", classify, table{data.Test: good}, `task "classify": labels of column "label": the data has no split "train"; there are: test`},
		{"no target column", samsum, table{data.Train: block(texts("dialogue", "a"), texts("sumary", "b"))}, `task "samsum": split "train" has no column "summary"; did you mean "sumary"?`},
		{"target of ints", samsum, table{data.Train: block(texts("dialogue", "a"), ints("summary", nil, 1))}, `task "samsum": split "train": column "summary" is of type int: targets are strings or lists of strings`},
		{"class the model lacks", classify.WithLabels([]string{"acq", "earn"}), table{data.Train: block(texts("sentence", "a"), ints("label", []string{"acq", "earm"}, 0))}, `task "classify": column "label" has a class "earm" that the model's labels lack; did you mean "earn"?`},
	} {
		_, err := c.task.Bind(context.Background(), c.data)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: error\n%v, want\n%s", c.name, err, c.want)
		}
	}
}

func TestLabelErrors(t *testing.T) {
	task, err := Lookup("mnli")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		label any
		want  string
	}{
		{-1, `file: row 7: label -1 is not one of the 3 classes of column "label": 0=entailment 1=neutral 2=contradiction`},
		{3, `file: row 7: label 3 is not one of the 3 classes of column "label": 0=entailment 1=neutral 2=contradiction`},
		{"neutrl", `file: row 7: label "neutrl" of column "label" is unknown; did you mean "neutral"?`},
		{nil, `file: row 7: label column "label" is null`},
		{1.5, `file: row 7: label column "label" holds 1.5, not a string or an int`},
	} {
		_, err := task.Label(row(t, map[string]any{"label": c.label}))
		if err == nil || err.Error() != c.want {
			t.Errorf("label %v: error\n%v, want\n%s", c.label, err, c.want)
		}
	}
	if _, err := task.Label(row(t, map[string]any{"labl": 1})); err == nil || err.Error() != `file: row 7: no column "label"; did you mean "labl"?` {
		t.Errorf("no label column: %v", err)
	}
}

// Every row of every task's data renders, with every label in use, and every
// row that generates has an answer.
func TestTheTasksData(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("..", "..", "..", "shared", "data", name)
			if _, err := os.Stat(dir); err != nil {
				t.Skipf("the task's data is not beside this repository: %v", err)
			}
			d, err := data.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			task, err := Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			if task, err = task.Bind(context.Background(), d); err != nil {
				t.Fatal(err)
			}
			for _, split := range d.Splits() {
				seen := map[string]bool{}
				eachRow(t, split, task, func(row data.Row) {
					seen[checkRow(t, task, row)] = true
				})
				for _, label := range task.Labels {
					if !seen[label] {
						t.Errorf("split %s has no row labelled %s", split.Name(), label)
					}
				}
			}
		})
	}
}

// checkRow renders a row and returns its target.
func checkRow(t *testing.T, task *Task, row data.Row) string {
	t.Helper()
	first, second, err := task.Text(row)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(first, task.First.Prefix) || !strings.HasPrefix(second, task.Second.Prefix) {
		t.Fatalf("%s renders %q, %q", row.Place(), first, second)
	}
	source, err := task.Source(row)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(source, "Input: "+first) || !strings.HasSuffix(source, second+" Output: ") {
		t.Fatalf("%s reads %q", row.Place(), source)
	}
	references, err := task.References(row)
	if err != nil {
		t.Fatal(err)
	}
	target, err := task.Target(row)
	if err != nil || target != references[0] || target == "" {
		t.Fatalf("%s: target %q, references %q, %v", row.Place(), target, references, err)
	}
	return target
}

func eachRow(t *testing.T, split data.Split, task *Task, f func(data.Row)) {
	t.Helper()
	r, err := data.NewReader(split, data.Order{Columns: task.Columns()}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for {
		row, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		f(row)
	}
}
