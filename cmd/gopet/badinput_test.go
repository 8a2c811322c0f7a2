package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/data/column"
	"github.com/gopet-ml/gopet/data/shard"
	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
)

// TestBadInputLeavesNothing wants one line, exit 1, and no run directory.
func TestBadInputLeavesNothing(t *testing.T) {
	_, noCUDA := torch.CUDADeviceCount()
	goodData := dataset(t)
	for name, test := range map[string]struct {
		model func(t *testing.T, dir string)        // spoils a model
		data  func(t *testing.T, dir string) string // makes other data
		args  []string
		want  []string
	}{
		"no such model":          {args: []string{"--model", "nowhere"}, want: []string{`no such model directory: "nowhere"`}},
		"no config":              {model: func(t *testing.T, dir string) { remove(t, dir, "config.json") }, want: []string{"no config.json"}},
		"no weights":             {model: func(t *testing.T, dir string) { remove(t, dir, "model.safetensors") }, want: []string{"model.safetensors"}},
		"no tokenizer":           {model: func(t *testing.T, dir string) { remove(t, dir, "vocab.txt") }, want: []string{"tokenizer.json", "vocab.txt"}},
		"another architecture":   {model: setConfig("model_type", "gpt2"), want: []string{`model_type "gpt2" is not supported: want bert`}},
		"unknown activation":     {model: setConfig("hidden_act", "snake"), want: []string{`hidden_act: activation "snake" is not supported: want one of gelu`}},
		"wrong shape":            {model: setConfig("intermediate_size", 30), want: []string{"has shape", "but config.json says"}},
		"missing tensor":         {model: setConfig("num_hidden_layers", 7), want: []string{"is missing"}},
		"truncated weights":      {model: cut("model.safetensors", 3000), want: []string{"model.safetensors"}},
		"truncated header":       {model: cut("model.safetensors", 5), want: []string{"model.safetensors"}},
		"empty weights":          {model: cut("model.safetensors", 0), want: []string{"model.safetensors"}},
		"oversized header":       {model: headerLength(1 << 62), want: []string{"model.safetensors"}},
		"header beyond file":     {model: headerLength(90_000), want: []string{"model.safetensors"}},
		"overlapping tensors":    {model: overlap, want: []string{"model.safetensors", "inside that of"}},
		"broken vocabulary":      {model: func(t *testing.T, dir string) { write(t, filepath.Join(dir, "vocab.txt"), "red\n") }, want: []string{"vocab.txt"}},
		"k below 0":              {args: []string{"--params", "-1"}, want: []string{"params -1: want 0 or more"}},
		"k above all":            {args: []string{"--params", "1000000"}, want: []string{"k = 1000000: want 0 to", "the number of eligible entries"}},
		"nothing to tune":        {args: []string{"--params", "0", "--head", "freeze"}, want: []string{"nothing to tune"}},
		"targets without match":  {args: []string{"--targets", "qvv"}, want: []string{`targets "qvv" name none`}},
		"broken expression":      {args: []string{"--targets", "("}, want: []string{`targets "("`}},
		"blocks that do not fit": {args: []string{"--method", "apet-adjacent", "--block", "1500", "--params", "3000"}, want: []string{"take a smaller block"}},
		"unknown task":           {args: []string{"--task", "sts2"}, want: []string{`unknown task "sts2"; did you mean "sst2"?`}},
		"unknown column":         {args: []string{"--text", "txt"}, want: []string{`no column "txt"; did you mean "text"?`}},
		"unknown label column":   {args: []string{"--label", "knd"}, want: []string{`no column "knd"; did you mean "kind"?`}},
		"unknown method":         {args: []string{"--method", "apet-adjacnt"}, want: []string{`unknown method "apet-adjacnt"; did you mean "apet-adjacent"?`}},
		"unknown metric":         {args: []string{"--select-metric", "acuracy"}, want: []string{`"acuracy"`, `"accuracy"`}},
		"unknown schedule":       {args: []string{"--schedule", "linaer"}, want: []string{`"linaer"`, "linear"}},
		"unknown dtype":          {args: []string{"--dtype", "float16"}, want: []string{`dtype "float16": want float32 or bfloat16`}},
		"unknown device":         {args: []string{"--device", "tpu"}, want: []string{`"tpu"`}},
		"unknown head":           {args: []string{"--head", "tune"}, want: []string{`head "tune": want train or freeze`}},
		"batch of nothing":       {args: []string{"--batch", "0"}, want: []string{"batch 0: want 1 or more"}},
		"steps below 0":          {args: []string{"--steps", "-4"}, want: []string{"steps -4: want 0 or more"}},
		"rate below 0":           {args: []string{"--lr", "-1"}, want: []string{"lr -1: want 0 or more"}},
		"rate that is no number": {args: []string{"--lr", "NaN"}, want: []string{"lr NaN: want 0 or more"}},
		"dropout of all":         {args: []string{"--dropout", "1"}, want: []string{"dropout 1: want less than 1"}},
		"too long for the model": {args: []string{"--max-length", "24"}, want: []string{"max-length 24", "reads at most 23 tokens"}},
		"too short":              {args: []string{"--max-length", "2"}, want: []string{"max-length 2: want 3 or more"}},
		"no adapter":             {args: []string{"--adapter", "nowhere"}, want: []string{"nowhere: no adapter_config.json"}},
		"no data":                {args: []string{"--data", "nowhere"}, want: []string{"nowhere"}},
		"unknown source":         {args: []string{"--data", "sql:rows"}, want: []string{`no row source "sql"`}},
		"no validation": {
			data: func(t *testing.T, dir string) string { remove(t, dir, "validation-00000-of-00001.parquet"); return dir },
			want: []string{"validation", "gopet data import --validation 0.1"},
		},
		"no train split": {
			data: func(t *testing.T, dir string) string { remove(t, dir, "train-00000-of-00001.parquet"); return dir },
			want: []string{"train"},
		},
		"empty split":            {data: replaceSplit("validation", texts()), want: []string{`split "validation" is empty`}},
		"label outside the set":  {data: replaceSplit("train", texts("red", "one"), 0, 3), want: []string{"train-00000-of-00001.parquet: row 1", "3"}},
		"label below 0":          {data: replaceSplit("train", texts("red", "one"), 0, -1), want: []string{"train-00000-of-00001.parquet: row 1", "-1"}},
		"invalid UTF-8":          {data: replaceSplit("train", texts("red", "o\xffne"), 0, 1), want: []string{"train-00000-of-00001.parquet: row 1", `column "text" is not valid UTF-8`}},
		"null text":              {data: replaceSplit("train", nullText(), 0, 1), want: []string{"train-00000-of-00001.parquet: row 1", `column "text" is null`}},
		"Parquet cut short":      {data: cutSplit("train", 300), want: []string{"train-00000-of-00001.parquet"}},
		"Parquet cut to nothing": {data: cutSplit("validation", 0), want: []string{"validation-00000-of-00001.parquet"}},
		"cuda":                   {args: []string{"--device", "cuda"}, want: []string{"cuda"}},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "cuda" && noCUDA == nil {
				t.Skip("CUDA works here")
			}
			torchtest.NoLeaks(t)
			dir, rows := model(t, encoder), goodData
			if test.model != nil {
				test.model(t, dir)
			}
			if test.data != nil {
				rows = test.data(t, copyOf(t, goodData))
			}
			parent := t.TempDir()
			o := gopet(t, "", trainArgs(dir, rows, filepath.Join(parent, "run"), test.args...)...)
			line := lastLine(o.errors)
			if o.code != exitFailure || o.out != "" || !strings.HasPrefix(line, "gopet: ") {
				t.Errorf("exit %d, %q and %q, want exit 1 and a line of gopet", o.code, o.out, o.errors)
			}
			for _, want := range test.want {
				if !strings.Contains(line, want) {
					t.Errorf("%q does not say %q", line, want)
				}
			}
			if left, err := os.ReadDir(parent); err != nil || len(left) != 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}

func TestCUDAThatIsMissingSaysWhy(t *testing.T) {
	if _, err := torch.CUDADeviceCount(); err == nil {
		t.Skip("CUDA works here")
	}
	o := gopet(t, "", "doctor", "--device", "cuda")
	if o.code != exitFailure || len(strings.Fields(o.errors)) < 6 || strings.Count(o.errors, "\n") != 1 {
		t.Errorf("exit %d, %q: want a line that says why", o.code, o.errors)
	}
}

// A row that goes wrong when steps have been made ends the run as failed.
func TestARunThatFailsLaterSaysSo(t *testing.T) {
	data := replaceSplit("validation", texts("red", "o\xffne"), 0, 1)(t, copyOf(t, dataset(t)))
	run := filepath.Join(t.TempDir(), "run")
	o := gopet(t, "", trainArgs(model(t, encoder), data, run, "--baselines=false")...)
	if line := lastLine(o.errors); o.code != exitFailure || !strings.Contains(line, `validation-00000-of-00001.parquet: row 1: column "text" is not valid UTF-8`) {
		t.Errorf("exit %d: %q", o.code, line)
	}
	text, err := os.ReadFile(filepath.Join(run, "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	result := map[string]any{}
	if err := json.Unmarshal(text, &result); err != nil || result["status"] != "failed" || !strings.Contains(result["error"].(string), "not valid UTF-8") {
		t.Errorf("result.json: %s (%v)", text, err)
	}
	for _, name := range []string{"best", "adapter"} {
		if _, err := os.Stat(filepath.Join(run, name)); err == nil {
			t.Errorf("%s is there", name)
		}
	}
}

func TestImportRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		write(t, path, text)
		return path
	}
	good := file("good.csv", rowsOf(9))
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no file":        {[]string{"--train", "nowhere.csv"}, "nowhere.csv"},
		"unknown label":  {[]string{"--train", good, "--label", "kynd"}, `did you mean "kind"?`},
		"share of all":   {[]string{"--train", good, "--validation", "1"}, "validation"},
		"ragged":         {[]string{"--train", file("ragged.csv", "a,b\n1,2\n3\n")}, "ragged.csv"},
		"invalid UTF-8":  {[]string{"--train", file("bytes.csv", "a,b\n\xff,2\n")}, "bytes.csv"},
		"other columns":  {[]string{"--train", good, "--test", file("other.csv", "text,sort\nred,colour\n")}, "other.csv"},
		"unknown ending": {[]string{"--train", file("rows.xyz", "a\n")}, "rows.xyz"},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			refuses(t, exitFailure, append([]string{"data", "import", "--out", out}, test.args...), test.want)
			if left, _ := os.ReadDir(filepath.Dir(out)); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	refuses(t, exitFailure, []string{"data", "inspect", dir}, dir)
	refuses(t, exitFailure, []string{"compare", dir}, "no result.json: not a run directory, or the run has not ended")
	refuses(t, exitFailure, []string{"eval", "--model", model(t, encoder), "--data", dataset(t), "--split", "tset", "--task", "classify", "--label", "kind"}, "tset")
}

func lastLine(text string) string {
	text = strings.TrimSuffix(text, "\n")
	return text[strings.LastIndexByte(text, '\n')+1:]
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func setConfig(field string, value any) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		path := filepath.Join(dir, "config.json")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		fields := map[string]any{}
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		fields[field] = value
		if text, err = json.Marshal(fields); err != nil {
			t.Fatal(err)
		}
		write(t, path, string(text))
	}
}

func cut(name string, size int64) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		if err := os.Truncate(filepath.Join(dir, name), size); err != nil {
			t.Fatal(err)
		}
	}
}

func editWeights(t *testing.T, dir string, edit func([]byte) []byte) {
	t.Helper()
	path := filepath.Join(dir, "model.safetensors")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(edit(content)))
}

func headerLength(n uint64) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		editWeights(t, dir, func(content []byte) []byte {
			binary.LittleEndian.PutUint64(content, n)
			return content
		})
	}
}

// overlap moves the first tensor's data into the second's place.
func overlap(t *testing.T, dir string) {
	editWeights(t, dir, func(content []byte) []byte {
		length := binary.LittleEndian.Uint64(content)
		header := map[string]map[string]any{}
		if err := json.Unmarshal(content[8:8+length], &header); err != nil {
			t.Fatal(err)
		}
		delete(header, "__metadata__")
		for _, entry := range header {
			offsets := entry["data_offsets"].([]any)
			if begin := offsets[0].(float64); begin > 0 {
				entry["data_offsets"] = []float64{begin - 4, offsets[1].(float64) - 4}
				break
			}
		}
		text, err := json.Marshal(header)
		if err != nil {
			t.Fatal(err)
		}
		out := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
		return append(append(out, text...), content[8+length:]...)
	})
}

func texts(list ...string) column.Values {
	return column.Values{Schema: column.Schema{Name: "text", Kind: column.String}, Strings: list}
}

// nullText is a text and a null.
func nullText() column.Values {
	v := texts()
	for _, value := range []any{"red", nil} {
		if err := v.Append(value); err != nil {
			panic(err)
		}
	}
	return v
}

// replaceSplit writes other rows for a split.
func replaceSplit(split string, text column.Values, labels ...int64) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		kind := column.Schema{Name: "kind", Kind: column.Int, Classes: []string{"animal", "colour", "number"}}
		var content bytes.Buffer
		w, err := shard.NewWriter(&content, []column.Schema{text.Schema, kind})
		if err != nil {
			t.Fatal(err)
		}
		if len(labels) > 0 {
			if err := w.Write([]column.Values{text, {Schema: kind, Ints: labels}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, split+"-00000-of-00001.parquet"), content.String())
		return dir
	}
}

func cutSplit(split string, size int64) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		cut(split+"-00000-of-00001.parquet", size)(t, dir)
		return dir
	}
}
