package shard

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/gopet-ml/gopet/data/column"
)

// readBytes opens content as a file and reads all of it that can be read.
func readBytes(t testing.TB, dir string, content []byte) error {
	path := filepath.Join(dir, "f.parquet")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		return err
	}
	var names []string
	for _, c := range f.Columns() {
		if c.Kind != column.Other {
			names = append(names, c.Name)
		}
	}
	for i := range f.RowGroups() {
		if _, err := f.ReadRowGroup(i, names); err != nil {
			return err
		}
	}
	return nil
}

// checkError fails the test unless err, where there is one, is a line that
// names the file.
func checkError(t testing.TB, err error) {
	t.Helper()
	if err != nil && (!strings.Contains(err.Error(), "f.parquet: ") || strings.Contains(err.Error(), "\n")) {
		t.Errorf("error %q is not one line that names the file", err)
	}
}

// seeds are small files that between them have every encoding, compression and
// page version that the reader knows.
func seeds(t testing.TB) [][]byte {
	content, err := os.ReadFile(writeFile(t, sample(40, 1), sample(3, 2)))
	if err != nil {
		t.Fatal(err)
	}
	files := [][]byte{content}
	type record struct {
		Text *string  `parquet:"text,optional"`
		N    int64    `parquet:"n"`
		List []string `parquet:"list,list"`
		Flag bool     `parquet:"flag"`
	}
	word := "word"
	var records []record
	for i := range 60 {
		records = append(records, record{&word, int64(i * i), []string{word, word}, i%3 == 0}, record{N: 1})
	}
	strings := []parquet.WriterOption{
		parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.RLEDictionary),
		parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.DeltaLengthByteArray),
		parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.DeltaByteArray),
		parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.Plain),
	}
	codecs := []parquet.WriterOption{
		parquet.Compression(&parquet.Uncompressed), parquet.Compression(&parquet.Snappy),
		parquet.Compression(&parquet.Gzip), parquet.Compression(&parquet.Zstd),
	}
	for i, encoding := range strings {
		var buffer bytes.Buffer
		w := parquet.NewGenericWriter[record](&buffer, encoding, codecs[i], parquet.DataPageVersion(1+i%2),
			parquet.DefaultEncodingFor(parquet.Int64, &parquet.DeltaBinaryPacked), parquet.DefaultEncodingFor(parquet.Boolean, &parquet.RLE))
		if _, err := w.Write(records); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		files = append(files, buffer.Bytes())
	}
	return files
}

// flip returns content with some random bits flipped.
func flip(content []byte, random *rand.Rand, flips int) []byte {
	damaged := bytes.Clone(content)
	for range flips {
		damaged[random.IntN(len(damaged))] ^= byte(1 << random.IntN(8))
	}
	return damaged
}

func TestCutShort(t *testing.T) {
	dir := t.TempDir()
	for _, content := range seeds(t) {
		for n := 0; n < len(content); n += 1 + min(n, len(content)-n)/60 { // closer at both ends
			err := readBytes(t, dir, content[:n])
			if err == nil {
				t.Fatalf("a file cut to %d of %d bytes was read", n, len(content))
			}
			checkError(t, err)
		}
	}
}

// A flipped bit is an error or changes a value; it never panics, and never
// takes memory out of proportion to the file.
func TestFlippedBits(t *testing.T) {
	const trials, budget = 400, 64 << 20
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(7, 7))
	found := 0
	for _, content := range seeds(t) {
		for range trials {
			damaged := flip(content, random, 1+random.IntN(3))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := readBytes(t, dir, damaged)
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > budget {
				t.Errorf("%d bytes allocated for a file of %d: %v", used, len(content), err)
			}
			checkError(t, err)
			if err != nil {
				found++
			}
		}
	}
	t.Logf("%d of %d damaged files gave an error", found, 5*trials)
}

// What is written here has checksums, so damage to any page is found.
func TestOurPagesAreChecked(t *testing.T) {
	content, err := os.ReadFile(writeFile(t, sample(200, 9)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(writeFile(t, sample(200, 9)))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(3, 3))
	for i := range f.columns {
		meta := &f.rowGroups[0].Columns[i].MetaData
		end := meta.DataPageOffset + meta.TotalCompressedSize
		if d := meta.DictionaryPageOffset; d > 0 {
			end = d + meta.TotalCompressedSize
		}
		for range 40 { // the last bytes are the last page's body
			damaged := bytes.Clone(content)
			damaged[end-1-int64(random.IntN(10))] ^= byte(1 << random.IntN(8))
			if err := readBytes(t, dir, damaged); err == nil || !strings.Contains(err.Error(), "damaged") {
				t.Errorf("column %q: %v", f.columns[i].Name, err)
			}
		}
	}
}

func TestFooterErrors(t *testing.T) {
	content, err := os.ReadFile(writeFile(t, sample(10, 1)))
	if err != nil {
		t.Fatal(err)
	}
	footer := func(length uint32) []byte {
		damaged := bytes.Clone(content)
		binary.LittleEndian.PutUint32(damaged[len(damaged)-8:], length)
		return damaged
	}
	// A list of 2^31 - 1 structs, which parquet-go would make room for.
	huge := append([]byte(magic), 0x2c, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0)
	huge = binary.LittleEndian.AppendUint32(huge, 8)
	huge = append(huge, magic...)
	for _, c := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"empty", nil, "0 bytes are too few"},
		{"text", []byte("sentence\tlabel\nfine\t1\n"), `not a Parquet file: it begins with "sent"`},
		{"no end", content[:len(content)-1], `it does not end in "PAR1"`},
		{"long footer", footer(1 << 31), "its footer claims 2147483648 of the file's"},
		{"short footer", footer(16), "footer: malformed metadata"},
		{"no footer", footer(0), "footer: malformed metadata"},
		{"huge list", huge, "footer: malformed metadata"},
	} {
		err := readBytes(t, t.TempDir(), c.content)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
		checkError(t, err)
	}
}

func TestReadErrors(t *testing.T) {
	f, err := Open(writeFile(t, sample(10, 1)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		group int
		name  string
		want  string
	}{
		{0, "txt", `no column "txt"; did you mean "text"?`},
		{1, "text", "there is no row group 1 among 1"},
	} {
		if _, err := f.ReadRowGroup(c.group, []string{c.name}); err == nil || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	if err := os.Truncate(f.Path(), 100); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadRowGroup(0, []string{"label"}); err == nil || !strings.HasPrefix(err.Error(), f.Path()) {
		t.Errorf("a file cut after it was opened: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "missing.parquet")); err == nil || strings.Count(err.Error(), "missing.parquet") != 1 {
		t.Errorf("missing file: %v", err)
	}
}

// Lengths that run-length and delta encodings claim are not believed.
func TestHostileRuns(t *testing.T) {
	long := []byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 3}
	out := make([]uint32, 5)
	if err := decodeHybrid(long, 2, out); err != nil || out[4] != 3 {
		t.Errorf("a run that is longer than needed: %v, %v", out, err)
	}
	for _, bad := range [][]byte{{}, {0}, {0, 0, 0}, {4}, {0x03}, {0xff}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}} {
		if err := decodeHybrid(bad, 2, make([]uint32, 9)); err == nil {
			t.Errorf("% x was decoded", bad)
		}
	}
	if _, _, err := decodeDelta(append(binary.AppendUvarint([]byte{0x80, 1, 4}, 1<<40), 0), 3); err == nil {
		t.Error("a delta block with another count was decoded")
	}
}

// Files of other writers have no checksums, so damage reaches the decoders.
func TestFlippedBitsWithoutChecksums(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data")
	random := rand.New(rand.NewPCG(8, 8))
	for _, name := range []string{"rte/test-00000-of-00001.parquet", "nq_open/test-00000-of-00001.parquet"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Skipf("the tasks' data is not beside this repository: %v", err)
		}
		out := t.TempDir()
		for range 300 {
			checkError(t, readBytes(t, out, flip(content, random, 1+random.IntN(30))))
		}
	}
}

// FuzzDecode puts arbitrary bytes into every decoder of a page's values.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{4, 0, 0, 0, 'w', 'o', 'r', 'd'}, uint8(0), uint16(1))
	f.Add([]byte{2, 6, 1, 3, 0x1b}, uint8(8), uint16(3))
	f.Add([]byte{0x80, 1, 4, 3, 2, 2, 0, 0, 0, 0}, uint8(5), uint16(3))
	dictionary := &column.Values{Strings: []string{"a", "b"}, Ints: []int64{1, 2}, Floats: []float64{1, 2}}
	f.Fuzz(func(t *testing.T, content []byte, encoding uint8, n uint16) {
		for _, l := range []leaf{
			{physical: format.ByteArray, text: true}, {physical: format.Int64}, {physical: format.Int32},
			{physical: format.Float}, {physical: format.Boolean}, {physical: format.Int96},
		} {
			values, err := decodeValues(&l, format.Encoding(encoding), content, int(n), dictionary)
			if err == nil && values.Len() != int(n) {
				t.Errorf("%d values of %s in encoding %d, want %d", values.Len(), l.physical, encoding, n)
			}
		}
	})
}

// FuzzDecompress unpacks arbitrary bytes to a size that they may not have.
func FuzzDecompress(f *testing.F) {
	for codec := range uint8(7) {
		packed, err := parquet.LookupCompressionCodec(format.CompressionCodec(codec)).Encode(nil, []byte("words words words words"))
		if err != nil {
			continue // a codec that is not supported
		}
		f.Add(packed, codec, uint16(23))
	}
	f.Fuzz(func(t *testing.T, content []byte, codec uint8, size uint16) {
		out, err := decompress(format.CompressionCodec(codec), content, int(size))
		if err == nil && len(out) != int(size) {
			t.Errorf("%d bytes, want %d", len(out), size)
		}
	})
}

func FuzzReadFile(f *testing.F) {
	for _, content := range seeds(f) {
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) { checkError(t, readBytes(t, t.TempDir(), content)) })
}
