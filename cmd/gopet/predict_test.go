package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/bert"
	"github.com/gopet-ml/gopet/torch"
)

func predictArgs(model string, more ...string) []string {
	return append([]string{"predict", "--model", model, "--task", "classify", "--text", "text", "--threads", "1"}, more...)
}

// A checkpoint with a head predicts by itself, with its own labels.
func TestPredictWithoutAdapter(t *testing.T) {
	dir := model(t, classifier)
	out := mustGopet(t, "red cat\n\n  {\"text\": \"two\", \"other\": [1, {}]}\nBIRD sings\r\n", predictArgs(dir, "--logits")...)
	lines := strings.SplitAfter(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines for 3 rows:\n%s", len(lines), out)
	}
	// [CLS] words [SEP], by their places in the vocabulary
	want := referenceLogits(t, dir, [][]int64{{2, 5, 11, 3}, {2, 9, 3}, {2, 13, 16, 3}})
	for i, line := range lines {
		p := decode(t, strings.TrimSuffix(line, "\n")+"\n")
		logits, scores := p["logits"].([]any), p["scores"].(map[string]any)
		best, sum := 0, 0.0
		for c, label := range []string{"left", "right", "straight on"} {
			if got := float32(logits[c].(float64)); math.Abs(float64(got-want[i][c])) > 1e-5 {
				t.Errorf("row %d, %s: logit %v, want %v", i, label, got, want[i][c])
			}
			if want[i][c] > want[i][best] {
				best = c
			}
			sum += scores[label].(float64)
		}
		if p["label"] != []string{"left", "right", "straight on"}[best] || math.Abs(sum-1) > 1e-6 {
			t.Errorf("row %d: %v", i, p)
		}
	}
	if out := mustGopet(t, "red\n", predictArgs(dir)...); strings.Contains(out, "logits") {
		t.Errorf("logits without --logits: %s", out)
	}
	if out := mustGopet(t, "", predictArgs(dir)...); out != "" {
		t.Errorf("%q for no rows", out)
	}
}

func load(t *testing.T, dir string) models.Model {
	t.Helper()
	m, err := models.Load(dir, models.Options{DType: torch.Float32, Device: torch.CPU})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func referenceLogits(t *testing.T, dir string, rows [][]int64) [][]float32 {
	t.Helper()
	m := load(t, dir)
	var logits [][]float32
	for _, ids := range rows {
		s := torch.NewScope(torch.NoGrad())
		logits = append(logits, models.Logits(m, models.Rows(s, ids)).Float32s())
		s.Close()
	}
	return logits
}

func TestEmbed(t *testing.T) {
	dir := model(t, encoder)
	m := load(t, dir)
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	in := models.Rows(s, []int64{2, 5, 11, 3})
	hidden := models.Hidden(m, in)
	for _, test := range []struct {
		pool []string
		want bert.Pooling
	}{{nil, bert.PoolCLS}, {[]string{"--pool", "cls"}, bert.PoolCLS}, {[]string{"--pool", "mean"}, bert.PoolMean}} {
		// A longer row pads the one that is compared.
		out := mustGopet(t, "red cat\none two three cat dog\n", append([]string{"predict", "--model", dir, "--task", "embed", "--threads", "1"}, test.pool...)...)
		first, _, _ := strings.Cut(out, "\n")
		got := decode(t, first+"\n")["embedding"].([]any)
		want := m.(*bert.Model).Pool(hidden, in, test.want).Float32s()
		if len(got) != len(want) {
			t.Fatalf("%d numbers, want %d", len(got), len(want))
		}
		for i := range want {
			if math.Abs(got[i].(float64)-float64(want[i])) > 2e-5 {
				t.Errorf("%v: number %d is %v, want %v", test.want, i, got[i], want[i])
			}
		}
	}
}

func TestPredictReadsAFile(t *testing.T) {
	dir := model(t, classifier)
	path := filepath.Join(t.TempDir(), "rows.jsonl")
	write(t, path, `{"text": "red"}`)
	if out := mustGopet(t, "", predictArgs(dir, "--in", path)...); strings.Count(out, "\n") != 1 {
		t.Errorf("%q for a row without a newline", out)
	}
}

func TestPredictRefuses(t *testing.T) {
	dir := model(t, classifier)
	rows := func(text string) string {
		path := filepath.Join(t.TempDir(), "rows")
		write(t, path, text)
		return path
	}
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no such file":  {predictArgs(dir, "--in", "nowhere.jsonl"), "nowhere.jsonl"},
		"no column":     {predictArgs(dir, "--in", rows(`{"txt": "red"}`)), `row 0: no column "text"`},
		"broken JSON":   {predictArgs(dir, "--in", rows(`{"text": `)), "row 0: not a JSON object"},
		"null":          {predictArgs(dir, "--in", rows(`{"text": null}`)), `row 0: column "text" is null`},
		"a number":      {predictArgs(dir, "--in", rows(`{"text": 3}`)), `row 0: column "text" is of type int, not string`},
		"not UTF-8":     {predictArgs(dir, "--in", rows("\xff\xfe red")), `row 0: column "text" is not valid UTF-8`},
		"pair in text":  {predictArgs(dir, "--text", "other", "--in", rows("red")), "row 0: want a JSON object with the columns"},
		"no head":       {predictArgs(model(t, encoder), "--in", rows("red")), "no classification head"},
		"other labels":  {predictArgs(dir, "--task", "sst2", "--in", rows("red")), `classification head has 3 labels, task "sst2" 2`},
		"unknown task":  {predictArgs(dir, "--task", "sst3", "--in", rows("red")), `did you mean "sst2"?`},
		"too long":      {predictArgs(dir, "--max-length", "20", "--in", rows("red")), "reads at most 19 tokens"},
		"no adapter":    {predictArgs(dir, "--adapter", "nowhere", "--in", rows("red")), "want an adapter directory"},
		"no model":      {predictArgs("nowhere", "--in", rows("red")), `no such model directory: "nowhere"`},
		"no vocabulary": {predictArgs(classifier, "--in", rows("red")), "tokenizer.json"},
	} {
		t.Run(name, func(t *testing.T) { refuses(t, exitFailure, test.args, test.want) })
	}
}
