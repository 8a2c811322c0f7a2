package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/column"
)

// write makes a file in a fresh directory and returns its path.
func write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// importOne imports a file as the train split and returns its columns and
// rows.
func importOne(t testing.TB, path string, change func(*Options)) ([]column.Schema, [][]any, error) {
	t.Helper()
	o := Options{Inputs: map[string][]string{data.Train: {path}}, Out: filepath.Join(t.TempDir(), "out")}
	if change != nil {
		change(&o)
	}
	if _, err := Import(context.Background(), o); err != nil {
		if _, statErr := os.Stat(o.Out); !errors.Is(statErr, os.ErrNotExist) {
			t.Errorf("a failed import left %s behind", o.Out)
		}
		return nil, nil, err
	}
	columns, rows := readSplit(t, o.Out, data.Train)
	return columns, rows, nil
}

func readSplit(t testing.TB, dir, name string) ([]column.Schema, [][]any) {
	t.Helper()
	d, err := data.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	split, err := data.FindSplit(d, name)
	if err != nil {
		t.Fatal(err)
	}
	columns := split.Columns()
	r, err := data.NewReader(split, data.Order{Columns: column.Names(columns)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]any
	for {
		row, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return columns, rows
		}
		if err != nil {
			t.Fatal(err)
		}
		var values []any
		for _, c := range columns {
			values = append(values, row.Value(c.Name))
		}
		rows = append(rows, values)
	}
}

func TestFormats(t *testing.T) {
	text := func(name string) column.Schema { return column.Schema{Name: name, Kind: column.String} }
	label := func(names ...string) column.Schema {
		return column.Schema{Name: "label", Kind: column.Int, Classes: names}
	}
	for _, c := range []struct {
		name, file, content string
		change              func(*Options)
		columns             []column.Schema
		rows                [][]any
	}{
		{
			"stray quotes in TSV", "a.tsv", "text\tlabel\n\"so called\tpos\nit's \"fine\tneg\n\"closed\"\tpos\n",
			func(o *Options) { o.Label = "label" },
			[]column.Schema{text("text"), label("neg", "pos")},
			[][]any{{"\"so called", int64(1)}, {"it's \"fine", int64(0)}, {"\"closed\"", int64(1)}},
		},
		{
			"RFC 4180", "a.csv", "text,label\r\n\"a, \"\"b\"\"\r\nc\",2\r\nd \"e\" f,10\r\n\"\",9\r\n",
			func(o *Options) { o.Label = "label" },
			[]column.Schema{text("text"), label("2", "9", "10")},
			[][]any{{"a, \"b\"\nc", int64(0)}, {`d "e" f`, int64(2)}, {"", int64(1)}},
		},
		{
			"TSV quoted as CSV", "a.tsv", "text\tn\n\"a\tb\nc\"\t1\n",
			func(o *Options) { o.Quotes = QuotesCSV },
			[]column.Schema{text("text"), {Name: "n", Kind: column.Int}},
			[][]any{{"a\tb\nc", int64(1)}},
		},
		{
			"types of CSV", "a.csv", "i,f,s,zip,e,mixed\n1,1,a,0123,,1\n-2,2.5,b,99999,,x\n,,,1,,2\n", nil,
			[]column.Schema{{Name: "i", Kind: column.Int}, {Name: "f", Kind: column.Float}, text("s"), text("zip"), text("e"), text("mixed")},
			[][]any{{int64(1), 1.0, "a", "0123", "", "1"}, {int64(-2), 2.5, "b", "99999", "", "x"}, {nil, nil, "", "1", "", "2"}},
		},
		{
			"byte order mark, blank lines, no end of line", "a.csv", "\ufeffa,b\n\n1,2\n\n3,4", nil,
			[]column.Schema{{Name: "a", Kind: column.Int}, {Name: "b", Kind: column.Int}},
			[][]any{{int64(1), int64(2)}, {int64(3), int64(4)}},
		},
		{
			"Orange", "a.tab", "Category\tText\tScore\tNote\nd\tstring\tc\ts\nclass\t\tmeta\tignore\n\t\t\t\nwheat\t\"said \"\"yes\"\"\"\t1.5\tx\nacq\t\"stray\t?\ty\nacq\tinner \"quote\"\t2\tz\n", nil,
			[]column.Schema{{Name: "Category", Kind: column.Int, Classes: []string{"acq", "wheat"}}, text("Text"), {Name: "Score", Kind: column.Float}},
			[][]any{{int64(1), `said "yes"`, 1.5}, {int64(0), `"stray`, nil}, {int64(0), `inner "quote"`, 2.0}},
		},
		{
			"Orange without flags", "a.tab", "Text\tN\nstring\tcontinuous\n\na\t1\n", nil,
			[]column.Schema{text("Text"), {Name: "N", Kind: column.Float}},
			[][]any{{"a", 1.0}},
		},
		{
			"JSON lines", "a.jsonl", `{"q": "x", "answers": ["a", "b"], "n": 1, "ok": true}` + "\n\n" +
				`{"n": 2.5, "q": "\u00e9", "answers": [], "ok": null, "late": "y"}` + "\n", nil,
			[]column.Schema{text("q"), {Name: "answers", Kind: column.Strings}, {Name: "n", Kind: column.Float}, {Name: "ok", Kind: column.Bool}, text("late")},
			[][]any{{"x", []string{"a", "b"}, 1.0, true, nil}, {"é", []string(nil), 2.5, nil, "y"}},
		},
		{
			"bools as labels", "a.jsonl", `{"t": "x", "spam": true}` + "\n" + `{"t": "y", "spam": false}`,
			func(o *Options) { o.Label = "spam" },
			[]column.Schema{text("t"), {Name: "spam", Kind: column.Int, Classes: []string{"false", "true"}}},
			[][]any{{"x", int64(1)}, {"y", int64(0)}},
		},
		{
			"text", "a.txt", "one\n\n  \"two\tthree\n", nil,
			[]column.Schema{text("text")},
			[][]any{{"one"}, {""}, {"  \"two\tthree"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			columns, rows, err := importOne(t, write(t, c.file, c.content), c.change)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.columns, columns); diff != "" {
				t.Errorf("columns (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.rows, rows); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInputErrors(t *testing.T) {
	label := func(o *Options) { o.Label = "label" }
	for _, c := range []struct {
		name, file, content string
		change              func(*Options)
		want                string
	}{
		{"empty", "a.tsv", "", nil, "a.tsv: the file is empty: it should begin with column names"},
		{"no rows", "a.tsv", "a\tb\n", nil, `split "train" has no rows in`},
		{"fields", "a.tsv", "a\tb\n1\t2\n1\t2\t3\n", nil, `a.tsv:3: 3 fields where the header has 2 (if quoted fields span lines, read them with quotes "csv")`},
		{"no name", "a.csv", "a,,c\n", nil, "a.csv:1: column 2 has no name"},
		{"same names", "a.csv", "a,b,a\n", nil, `a.csv:1: column "a" is there twice`},
		{"open quote", "a.csv", "a,b\n1,2\n\"3,4\n5,6\n", nil, "a.csv:3: a quote is opened here and never closed"},
		{"quote merges rows", "a.csv", "a,b\n\"x,1\ny \"z\",2\n", nil, "a.csv:3: text after a closing quote"},
		{"not UTF-8", "a.tsv", "a\nfine\nna\xefve\n", nil, "a.tsv:3: invalid UTF-8: convert the file to UTF-8"},
		{"label column", "a.tsv", "text\tlable\na\tb\n", label, `a.tsv:2: no label column "label"; did you mean "lable"?`},
		{"empty label", "a.tsv", "text\tlabel\na\tx\nb\t\n", label, `a.tsv:3: label column "label" is empty`},
		{"null label", "a.jsonl", `{"text": "a", "label": null}`, label, `a.jsonl:1: label column "label" is empty`},
		{"label of floats", "a.jsonl", `{"text": "a", "label": 1.5}`, label, `a.jsonl:1: label column "label" holds 1.5: labels are`},
		{"mixed JSON", "a.jsonl", "{\"a\": 1}\n{\"a\": \"x\"}\n", nil, `a.jsonl:1: column "a" holds type int here, and type string in line 2 of`},
		{"nested JSON", "a.jsonl", `{"a": {"b": 1}}`, nil, `a.jsonl:1: column "a": an object within a row cannot be stored`},
		{"JSON array", "a.json", `[{"a": 1}]`, nil, "a.json:1: not a JSON object: JSON lines hold one object a line"},
		{"cut JSON", "a.jsonl", "{\"a\": 1}\n{\"a\": ", nil, "a.jsonl:2: malformed JSON"},
		{"two JSON values", "a.jsonl", `{"a": 1} {"a": 2}`, nil, "a.jsonl:1: more than one JSON value in a line"},
		{"Orange header", "a.tab", "Category\tText\nearn\tchampion products\n", nil, `a.tab:2: column "Category" has an unknown type "earn"`},
		{"short Orange header", "a.tab", "Category\tText\n", nil, "a.tab: a .tab file begins with three lines"},
		{"Orange number", "a.tab", "N\nc\n\nx\n", nil, `a.tab:4: column "N": "x" is not a number`},
		{"two Orange classes", "a.tab", "A\tB\nd\td\nclass\tclass\n", nil, "a.tab:3: 2 class columns"},
		{"extension", "a.xls", "", nil, `cannot tell the format from the extension ".xls"`},
		{"validation of all", "a.txt", "one\ntwo\n", func(o *Options) { o.Validation = 0.9 }, "a validation share of 0.9 leaves 2 of 2 training rows for validation"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := importOne(t, write(t, c.file, c.content), c.change)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error\n%v, want one line with\n%s", err, c.want)
			}
		})
	}
}

func TestOptionErrors(t *testing.T) {
	path := write(t, "a.txt", "one\n")
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "train-00000-of-00001.parquet"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	train := map[string][]string{data.Train: {path}}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Out: "x"}, "no input files"},
		{Options{Out: "x", Inputs: map[string][]string{"trian": {path}}}, `unknown split "trian"; did you mean "train"?`},
		{Options{Out: "x", Inputs: map[string][]string{data.Train: nil}}, `split "train" has no files`},
		{Options{Inputs: train}, "no directory to write to"},
		{Options{Inputs: train, Out: full}, "is not empty"},
		{Options{Inputs: train, Out: path}, "not a directory"},
		{Options{Inputs: train, Out: "x", Validation: 1}, "a validation share of 1 is not from 0 to below 1"},
		{Options{Inputs: map[string][]string{data.Test: {path}}, Out: "x", Validation: 0.1}, "needs a train split"},
		{Options{Inputs: train, Out: "x", ShardRows: -1}, "below 0"},
		{Options{Inputs: train, Out: "x", Format: "xls"}, `unknown format "xls"`},
		{Options{Inputs: train, Out: "x", Format: FormatCSV, Quotes: "maybe"}, `unknown quotes "maybe"`},
		{Options{Inputs: map[string][]string{data.Train: {path + ".missing.txt"}}, Out: "x"}, "no such file"},
	} {
		_, err := Import(context.Background(), c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

func TestColumnsOfAllFilesAgree(t *testing.T) {
	a, b := write(t, "a.csv", "text,label\nx,1\n"), write(t, "b.csv", "label,text\n2,y\n")
	out := filepath.Join(t.TempDir(), "deep", "out")
	_, err := Import(context.Background(), Options{
		Inputs: map[string][]string{data.Train: {a, b}, data.Test: {b}}, Out: out,
	})
	if err != nil {
		t.Fatal(err)
	}
	columns, rows := readSplit(t, out, data.Train)
	if diff := cmp.Diff([][]any{{"x", int64(1)}, {"y", int64(2)}}, rows); diff != "" || columns[0].Name != "text" {
		t.Errorf("columns %v, rows (-want +got):\n%s", columns, diff)
	}
	other := write(t, "c.csv", "txt,label\nx,1\n")
	_, err = Import(context.Background(), Options{
		Inputs: map[string][]string{data.Train: {a, other}}, Out: filepath.Join(t.TempDir(), "out"),
	})
	if err == nil || !strings.Contains(err.Error(), `column "txt" is not in`) || !strings.HasSuffix(err.Error(), `did you mean "text"?`) {
		t.Errorf("other columns: %v", err)
	}
}

// labelled returns a TSV of n rows, of which every tenth is "rare".
func labelled(n int) string {
	var b strings.Builder
	b.WriteString("text\tlabel\n")
	for i := range n {
		label := "common"
		if i%10 == 0 {
			label = "rare"
		}
		fmt.Fprintf(&b, "row %d\t%s\n", i, label)
	}
	return b.String()
}

func TestValidationIsStratified(t *testing.T) {
	path := write(t, "a.tsv", labelled(1000))
	cut := func(seed int64) map[string]bool {
		out := filepath.Join(t.TempDir(), "out")
		summary, err := Import(context.Background(), Options{
			Inputs: map[string][]string{data.Train: {path}}, Out: out, Label: "label", Validation: 0.15, Seed: seed,
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []SplitSummary{
			{Name: data.Train, Rows: 850, Shards: 1, Labels: []LabelCount{{"common", 765}, {"rare", 85}}},
			{Name: data.Validation, Rows: 150, Shards: 1, Labels: []LabelCount{{"common", 135}, {"rare", 15}}},
		}
		if diff := cmp.Diff(want, summary.Splits); diff != "" {
			t.Errorf("summary (-want +got):\n%s", diff)
		}
		_, train := readSplit(t, out, data.Train)
		_, validation := readSplit(t, out, data.Validation)
		seen := map[string]bool{}
		for _, row := range append(train, validation...) {
			seen[row[0].(string)] = true
		}
		if len(seen) != 1000 {
			t.Errorf("%d different rows of 1000 in the two splits", len(seen))
		}
		chosen := map[string]bool{}
		rare := 0
		for _, row := range validation {
			chosen[row[0].(string)] = true
			rare += int(row[1].(int64))
		}
		if rare != 15 || len(validation) != 150 {
			t.Errorf("validation has %d rows, %d of them rare", len(validation), rare)
		}
		return chosen
	}
	first := cut(1)
	if diff := cmp.Diff(first, cut(1)); diff != "" {
		t.Error("the same seed chose other rows")
	}
	if cmp.Equal(first, cut(2)) {
		t.Error("another seed chose the same rows")
	}
}

func TestApportion(t *testing.T) {
	for _, c := range []struct {
		strata []int64
		share  float64
		want   []int64
	}{
		{[]int64{10, 10, 10}, 0.1, []int64{1, 1, 1}},
		{[]int64{4, 4, 4}, 0.25, []int64{1, 1, 1}},
		{[]int64{5, 5, 10}, 0.1, []int64{1, 0, 1}},
		{[]int64{99, 1}, 0.1, []int64{10, 0}},
		{[]int64{3}, 0.1, []int64{0}},
	} {
		if diff := cmp.Diff(c.want, apportion(c.strata, c.share)); diff != "" {
			t.Errorf("%v of %v (-want +got):\n%s", c.share, c.strata, diff)
		}
	}
}

func TestShardsAndRowGroups(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	summary, err := Import(context.Background(), Options{
		Inputs: map[string][]string{data.Train: {write(t, "a.tsv", labelled(25))}}, Out: out, ShardRows: 10, RowGroupRows: 4,
	})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := []string{"train-00000-of-00003.parquet", "train-00001-of-00003.parquet", "train-00002-of-00003.parquet"}
	if diff := cmp.Diff(want, names); diff != "" || summary.Splits[0].Shards != 3 {
		t.Errorf("summary %+v, files (-want +got):\n%s", summary, diff)
	}
	d, err := data.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{4, 4, 2, 4, 4, 2, 4, 1}, d.Splits()[0].BlockRows()); diff != "" {
		t.Errorf("row groups (-want +got):\n%s", diff)
	}
	if _, rows := readSplit(t, out, data.Train); rows[24][0] != "row 24" || len(rows) != 25 {
		t.Errorf("%d rows, the last %v", len(rows), rows[len(rows)-1])
	}
}

func TestEmptyOutDirectoryIsTaken(t *testing.T) {
	if _, rows, err := importOne(t, write(t, "a.txt", "one\n"), func(o *Options) { o.Out = t.TempDir() }); err != nil || len(rows) != 1 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestCancelLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	parent := t.TempDir()
	_, err := Import(ctx, Options{
		Inputs: map[string][]string{data.Train: {write(t, "a.txt", "one\n")}}, Out: filepath.Join(parent, "out"),
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) > 0 {
		t.Errorf("left %v behind, %v", entries, err)
	}
}

// However a file is damaged or built, importing it ends with rows that can be
// read back or with an error of one line.
func FuzzImport(f *testing.F) {
	for _, seed := range []string{
		"a\tb\n1\t2\n", "a,b\n\"x\"\"\ny\",2\n", "{\"a\": [\"x\"]}\n", "T\tC\ns\td\n\tclass\nx\ty\n", "line\n", "\ufeffa\n\"",
	} {
		for format := range uint8(5) {
			f.Add([]byte(seed), format)
		}
	}
	f.Fuzz(func(t *testing.T, content []byte, format uint8) {
		path := write(t, "input", string(content))
		_, _, err := importOne(t, path, func(o *Options) { o.Format = Formats[int(format)%len(Formats)] })
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("error of several lines: %v", err)
		}
	})
}
