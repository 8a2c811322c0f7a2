package data_test

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
	"github.com/gopet-ml/gopet/data/shard"
)

// texts makes a column of strings; nil is null.
func texts(name string, values ...any) column.Values {
	v := column.Values{Schema: column.Schema{Name: name, Kind: column.String}}
	for _, value := range values {
		if err := v.Append(value); err != nil {
			panic(err)
		}
	}
	return v
}

// classes makes a column of class numbers.
func classes(name string, names []string, values ...int64) column.Values {
	return column.Values{Schema: column.Schema{Name: name, Kind: column.Int, Classes: names}, Ints: values}
}

func writeShard(t testing.TB, path string, columns ...column.Values) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	var schemas []column.Schema
	for _, c := range columns {
		schemas = append(schemas, c.Schema)
	}
	w, err := shard.NewWriter(file, schemas)
	if err != nil {
		t.Fatal(err)
	}
	if columns[0].Len() > 0 {
		if err := w.Write(columns); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestLayouts(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{
		"flat/train-00001-of-00002.parquet", "flat/train-00000-of-00002.parquet", "flat/validation-00000-of-00001.parquet",
		"flat/README.md.parquet", "flat/testing-0.parquet",
		"nested/train/part-0.parquet", "nested/train/part-1.parquet", "nested/test/x.parquet", "nested/other/train-0.parquet",
		"plain/train.parquet", "od[d]/test.parquet",
		"mnli/train-0.parquet", "mnli/validation_matched-0.parquet", "mnli/validation_mismatched-0.parquet", "mnli/test_matched.parquet",
		"mnli/train_old.parquet",
	} {
		writeShard(t, filepath.Join(dir, path), texts("text", path))
	}
	for _, c := range []struct {
		spec string
		want map[string]int64
	}{
		{"flat", map[string]int64{"train": 2, "validation": 1}},
		{"flat/train-*.parquet", map[string]int64{"train": 2}},
		{"flat/*-00000-*", map[string]int64{"train": 1, "validation": 1}},
		{"nested", map[string]int64{"train": 2, "test": 1}},
		{"nested/*/*.parquet", map[string]int64{"train": 3, "test": 1}},
		{"plain", map[string]int64{"train": 1}},
		{"plain/train.parquet", map[string]int64{"train": 1}},
		{"od[d]", map[string]int64{"test": 1}},
		{"mnli", map[string]int64{"train": 1, "validation": 1, "test": 1}},
	} {
		for _, prefix := range []string{"", "parquet:"} {
			d, err := data.Open(prefix + filepath.Join(dir, c.spec))
			if err != nil {
				t.Errorf("%s: %v", c.spec, err)
				continue
			}
			got := map[string]int64{}
			for _, s := range d.Splits() {
				got[s.Name()] = data.NumRows(s)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.spec, diff)
			}
		}
	}
}

func TestShardsFollowTheirNumbers(t *testing.T) {
	dir := t.TempDir()
	writeShard(t, filepath.Join(dir, "train-00001-of-00002.parquet"), texts("text", "c"))
	writeShard(t, filepath.Join(dir, "train-00000-of-00002.parquet"), texts("text", "a", "b"))
	d, err := data.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := data.NewReader(d.Splits()[0], data.Order{Columns: []string{"text"}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	got, places := "", []string{}
	for {
		row, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := row.Text("text")
		if err != nil {
			t.Fatal(err)
		}
		got += text
		places = append(places, filepath.Base(row.Place()))
	}
	want := []string{"train-00000-of-00002.parquet: row 0", "train-00000-of-00002.parquet: row 1", "train-00001-of-00002.parquet: row 0"}
	if diff := cmp.Diff(want, places); got != "abc" || diff != "" {
		t.Errorf("rows %q (-want +got):\n%s", got, diff)
	}
}

func TestFingerprint(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for _, d := range []string{a, b} {
		writeShard(t, filepath.Join(d, "train.parquet"), texts("text", "x", "y"))
	}
	if fingerprint(t, a) != fingerprint(t, b) {
		t.Error("equal data in other places has another fingerprint")
	}
	writeShard(t, filepath.Join(b, "train.parquet"), texts("text", "x", "z"))
	if fingerprint(t, a) == fingerprint(t, b) {
		t.Error("other data has the same fingerprint")
	}
	writeShard(t, filepath.Join(a, "test.parquet"), texts("text", "x"))
	if fingerprint(t, a) == fingerprint(t, filepath.Join(a, "train.parquet")) {
		t.Error("another split leaves the fingerprint as it was")
	}
}

func fingerprint(t *testing.T, spec string) string {
	t.Helper()
	d, err := data.Open(spec)
	if err != nil {
		t.Fatal(err)
	}
	return d.Fingerprint()
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	writeShard(t, filepath.Join(dir, "mixed/train-0.parquet"), texts("text", "a"))
	writeShard(t, filepath.Join(dir, "mixed/train-1.parquet"), texts("texts", "a"))
	writeShard(t, filepath.Join(dir, "kinds/train-0.parquet"), texts("text", "a"))
	writeShard(t, filepath.Join(dir, "kinds/train-1.parquet"), classes("text", nil, 1))
	writeShard(t, filepath.Join(dir, "names/train-0.parquet"), classes("label", []string{"a", "b"}, 1))
	writeShard(t, filepath.Join(dir, "names/train-1.parquet"), classes("label", []string{"b", "a"}, 1))
	writeShard(t, filepath.Join(dir, "unnamed/data.parquet"), texts("text", "a"))
	for _, path := range []string{"empty", "zero"} {
		if err := os.MkdirAll(filepath.Join(dir, path), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "zero/train.parquet"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ spec, want string }{
		{"missing", "no such file or directory"},
		{"missing/*.parquet", "no file matches"},
		{"empty", "no shards named SPLIT-*.parquet"},
		{"unnamed", "no shards named SPLIT-*.parquet"},
		{"zero", "train.parquet: 0 bytes are too few for a Parquet file"},
		{"mixed", `train-1.parquet: no column "text", which`},
		{"kinds", `train-1.parquet: column "text" is of type int, in`},
		{"names", `train-1.parquet: column "label" names other classes than in`},
	} {
		_, err := data.Open(filepath.Join(dir, c.spec))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", c.spec, err, c.want)
		}
	}
}

func TestRowErrors(t *testing.T) {
	dir := t.TempDir()
	writeShard(t, filepath.Join(dir, "train.parquet"), texts("text", "fine", nil, "\xc3\x28", ""), classes("label", nil, 0, 1, 2, 3))
	d, err := data.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	block, err := d.Splits()[0].ReadBlock(context.Background(), 0, []string{"text", "label"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		row        int
		name, want string
	}{
		{0, "text", ""},
		{1, "text", `train.parquet: row 1: column "text" is null`},
		{2, "text", `train.parquet: row 2: column "text" is not valid UTF-8`},
		{3, "text", ""},
		{0, "label", `train.parquet: row 0: column "label" is of type int, not string`},
		{0, "txt", `train.parquet: row 0: no column "txt"; did you mean "text"?`},
	} {
		_, err := block.Row(c.row, 0).Text(c.name)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasSuffix(err.Error(), c.want)) {
			t.Errorf("row %d: error %v, want %q", c.row, err, c.want)
		}
	}
}

func TestRowOf(t *testing.T) {
	row, err := data.RowOf("standard input", 4, map[string]any{
		"text": "a", "n": 3, "whole": 2.0, "part": 2.5, "list": []any{"x", "y"}, "none": nil, "flag": true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"text": "a", "n": int64(3), "whole": int64(2), "part": 2.5, "list": []string{"x", "y"}, "none": nil, "flag": true, "absent": nil} {
		if diff := cmp.Diff(want, row.Value(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if row.Place() != "standard input: row 4" {
		t.Errorf("place %q", row.Place())
	}
	if list, err := row.Texts("list"); err != nil || len(list) != 2 {
		t.Errorf("list %v, %v", list, err)
	}
	for _, bad := range []any{map[string]any{}, []any{1.0}} {
		if _, err := data.RowOf("standard input", 0, map[string]any{"x": bad}); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}
