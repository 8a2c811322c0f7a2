package shard

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/gopet-ml/gopet/data/column"
)

// sample returns rows of every kind with nulls, empty text and empty lists.
func sample(rows int, seed uint64) []column.Values {
	random := rand.New(rand.NewPCG(seed, 0))
	words := []string{"", "a", "naïve café", "日本語", "\"quoted\"\ttab\nline", "🙂"}
	out := []column.Values{
		{Schema: column.Schema{Name: "text", Kind: column.String}},
		{Schema: column.Schema{Name: "label", Kind: column.Int, Classes: []string{"no", "yes"}}},
		{Schema: column.Schema{Name: "weight", Kind: column.Float}},
		{Schema: column.Schema{Name: "kept", Kind: column.Bool}},
		{Schema: column.Schema{Name: "answers", Kind: column.Strings}},
	}
	for range rows {
		var list []string
		for range random.IntN(4) {
			list = append(list, words[random.IntN(len(words))])
		}
		row := []any{words[random.IntN(len(words))], int64(random.IntN(2)), random.NormFloat64(), random.IntN(2) == 0, list}
		for c, value := range row {
			if random.IntN(10) == 0 {
				value = nil
			}
			if err := out[c].Append(value); err != nil {
				panic(err)
			}
		}
	}
	return out
}

func schemas(values []column.Values) []column.Schema {
	var out []column.Schema
	for _, v := range values {
		out = append(out, v.Schema)
	}
	return out
}

func writeFile(t testing.TB, groups ...[]column.Values) string {
	t.Helper()
	var buffer bytes.Buffer
	w, err := NewWriter(&buffer, schemas(groups[0]))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		if err := w.Write(g); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "train-00000-of-00001.parquet")
	if err := os.WriteFile(path, buffer.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// rowsOf returns the values row by row, which makes nil and empty slices equal.
func rowsOf(values []column.Values) [][]any {
	out := make([][]any, values[0].Len())
	for i := range out {
		for c := range values {
			out[i] = append(out[i], values[c].At(i))
		}
	}
	return out
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	groups := [][]column.Values{sample(500, 1), sample(1, 2), sample(37, 3)}
	f, err := Open(writeFile(t, groups...))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(schemas(groups[0]), f.Columns()); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{500, 1, 37}, f.RowGroups()); diff != "" {
		t.Errorf("row groups (-want +got):\n%s", diff)
	}
	for i, want := range groups {
		got, err := f.ReadRowGroup(i, column.Names(f.Columns()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rowsOf(want), rowsOf(got)); diff != "" {
			t.Errorf("row group %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestOnlyTheNamedColumnsAreRead(t *testing.T) {
	f, err := Open(writeFile(t, sample(10, 1)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.ReadRowGroup(0, []string{"label", "text"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Name != "label" || got[1].Name != "text" {
		t.Errorf("read %v", schemas(got))
	}
}

// TestEncodingsOfOtherWriters covers what other writers choose: pages of both versions,
// every encoding and compression that the reader knows, many pages a column.
func TestEncodingsOfOtherWriters(t *testing.T) {
	type record struct {
		Text   *string  `parquet:"text,optional"`
		Number int64    `parquet:"number"`
		Small  int32    `parquet:"small"`
		Score  float32  `parquet:"score"`
		Flag   bool     `parquet:"flag"`
		List   []string `parquet:"list,list"`
	}
	random := rand.New(rand.NewPCG(1, 2))
	records := make([]record, 700)
	for i := range records {
		word := string(rune('a' + random.IntN(26)))
		for range random.IntN(4) {
			word += word
		}
		records[i] = record{Text: &word, Number: random.Int64() >> random.IntN(64), Small: int32(random.IntN(math.MaxInt32)) >> random.IntN(31),
			Score: random.Float32(), Flag: random.IntN(2) == 0}
		if random.IntN(5) == 0 {
			records[i].Text = nil
		}
		for range random.IntN(3) {
			records[i].List = append(records[i].List, word)
		}
	}
	byteArray := []parquet.WriterOption{
		parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.Plain),
		parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.RLEDictionary),
		parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.DeltaLengthByteArray),
		parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.DeltaByteArray),
	}
	ints := []parquet.WriterOption{
		parquet.DefaultEncodingFor(parquet.Int64, &parquet.Plain),
		parquet.DefaultEncodingFor(parquet.Int64, &parquet.RLEDictionary),
		parquet.DefaultEncodingFor(parquet.Int64, &parquet.DeltaBinaryPacked),
	}
	bools := []parquet.WriterOption{
		parquet.DefaultEncodingFor(parquet.Boolean, &parquet.Plain),
		parquet.DefaultEncodingFor(parquet.Boolean, &parquet.RLE),
	}
	codecs := []parquet.WriterOption{
		parquet.Compression(&parquet.Uncompressed), parquet.Compression(&parquet.Snappy),
		parquet.Compression(&parquet.Gzip), parquet.Compression(&parquet.Zstd),
	}
	for i := range 24 {
		var buffer bytes.Buffer
		w := parquet.NewGenericWriter[record](&buffer, byteArray[i%4], ints[i%3], bools[i%2], codecs[(i/2)%4],
			parquet.DefaultEncodingFor(parquet.Int32, &parquet.DeltaBinaryPacked),
			parquet.DataPageVersion(1+i/12), parquet.PageBufferSize(1024))
		if _, err := w.Write(records); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "f.parquet")
		if err := os.WriteFile(path, buffer.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.ReadRowGroup(0, []string{"text", "number", "small", "score", "flag", "list"})
		if err != nil {
			t.Fatalf("variant %d: %v", i, err)
		}
		var want [][]any
		for _, r := range records {
			var text any
			if r.Text != nil {
				text = *r.Text
			}
			want = append(want, []any{text, r.Number, int64(r.Small), float64(r.Score), r.Flag, r.List})
		}
		if diff := cmp.Diff(want, rowsOf(got)); diff != "" {
			t.Fatalf("variant %d (-want +got):\n%.2000s", i, diff)
		}
	}
}
