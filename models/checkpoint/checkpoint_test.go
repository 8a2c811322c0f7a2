package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const golden = "testdata/golden.safetensors"

func mustOpen(t *testing.T, path string) *File {
	t.Helper()
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

type reader interface {
	Info(name string) (Info, bool)
	ReadInto(name string, dst []byte) error
}

func mustRead(t *testing.T, f reader, name string) []byte {
	t.Helper()
	info, ok := f.Info(name)
	if !ok {
		t.Fatalf("no tensor %q", name)
	}
	dst := make([]byte, info.NumBytes())
	if err := f.ReadInto(name, dst); err != nil {
		t.Fatal(err)
	}
	return dst
}

// values decodes little-endian data.
func values[T any](t *testing.T, data []byte, n int) []T {
	t.Helper()
	list := make([]T, n)
	if err := binary.Read(bytes.NewReader(data), binary.LittleEndian, list); err != nil {
		t.Fatal(err)
	}
	return list
}

func wantOneLine(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one that holds %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not hold %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q is more than one line", err)
	}
}

func TestReadGolden(t *testing.T) {
	f := mustOpen(t, golden)
	want := []Info{
		{"int64", Int64, []int64{2, 3}},
		{"float64", Float64, []int64{2, 3}},
		{"a.float32", Float32, []int64{2, 3}},
		{"b.float32", Float32, []int64{2, 3}},
		{"empty", Float32, []int64{0, 3}},
		{"odd \"name\" <\\> \u00e9 \u4e2d \t\x01", Float32, []int64{1}},
		{"scalar", Float32, []int64{}},
		{"int32", Int32, []int64{2, 3}},
		{"bfloat16", BFloat16, []int64{2, 3}},
		{"float16", Float16, []int64{2, 3}},
		{"int16", Int16, []int64{2, 3}},
		{"int8", Int8, []int64{2, 3}},
		{"uint8", Uint8, []int64{2, 3}},
		{"bool", Bool, []int64{2, 3}},
	}
	var got []Info
	for _, name := range f.Names() {
		info, _ := f.Info(name)
		got = append(got, info)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tensors (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"format": "pt"}, f.Metadata()); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}

	read := func(name string) []byte { return mustRead(t, f, name) }
	for _, check := range []struct{ want, got any }{
		{[]float32{0, .25, .5, .75, 1, 1.25}, values[float32](t, read("b.float32"), 6)},
		{[]float64{0, 1. / 3, 2. / 3, 1, 4. / 3, 5. / 3}, values[float64](t, read("float64"), 6)},
		{[]int64{-1 << 40, 1 - 1<<40, 2 - 1<<40, 3 - 1<<40, 4 - 1<<40, 5 - 1<<40}, values[int64](t, read("int64"), 6)},
		{[]int32{-7, -6, -5, -4, -3, -2}, values[int32](t, read("int32"), 6)},
		{[]int16{-7, -6, -5, -4, -3, -2}, values[int16](t, read("int16"), 6)},
		{[]int8{-7, -6, -5, -4, -3, -2}, values[int8](t, read("int8"), 6)},
		{[]byte{200, 201, 202, 203, 204, 205}, read("uint8")},
		{[]bool{true, false, true, false, true, false}, values[bool](t, read("bool"), 6)},
		{[]uint16{0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500}, values[uint16](t, read("float16"), 6)},
		{[]uint16{0, 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0}, values[uint16](t, read("bfloat16"), 6)},
		{[]float32{2.5}, values[float32](t, read("scalar"), 1)},
		{[]byte{}, read("empty")},
	} {
		if diff := cmp.Diff(check.want, check.got); diff != "" {
			t.Errorf("values (-want +got):\n%s", diff)
		}
	}
}

func TestReadIntoRefuses(t *testing.T) {
	f := mustOpen(t, golden)
	wantOneLine(t, f.ReadInto("scalar", make([]byte, 8)), golden, `"scalar"`, "4 bytes", "8")
	wantOneLine(t, f.ReadInto("other", nil), golden, `no tensor "other"`)
}

// TestReadLarge crosses the chunks that are read side by side.
func TestReadLarge(t *testing.T) {
	data := make([]byte, 3*readChunk+12345)
	for i := range data {
		data[i] = byte(i % 251)
	}
	path := filepath.Join(t.TempDir(), "large.safetensors")
	err := Write(path, []Tensor{{"x", Uint8, []int64{int64(len(data))}, data}, {"y", Int8, []int64{1}, []byte{7}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(mustRead(t, mustOpen(t, path), "x"), data) {
		t.Error("the data changed on its way")
	}
}

func TestFileCutWhileOpen(t *testing.T) {
	for _, size := range []int{8, readChunk + 8, 2*readChunk + 8} {
		path := filepath.Join(t.TempDir(), "cut.safetensors")
		if err := Write(path, []Tensor{{"x", Uint8, []int64{int64(size)}, make([]byte, size)}}, nil); err != nil {
			t.Fatal(err)
		}
		f := mustOpen(t, path)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, info.Size()-5); err != nil {
			t.Fatal(err)
		}
		err = f.ReadInto("x", make([]byte, size))
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes: got %v, want io.ErrUnexpectedEOF", size, err)
		}
		wantOneLine(t, err, path, `"x"`, "cut short")
	}
}

func TestOpenFileRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	_, err := OpenFile(dir)
	wantOneLine(t, err, dir, "not a file")
	_, err = OpenFile(filepath.Join(dir, "none"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = OpenFile(pipe)
	wantOneLine(t, err, pipe, "not a file")
}

// TestOpenFileIsStrict writes files by hand, each wrong in one way. The cases
// are those of the reference implementation's own tests and of its "attacks".
func TestOpenFileIsStrict(t *testing.T) {
	raw := func(length uint64, rest string) []byte {
		return append(binary.LittleEndian.AppendUint64(nil, length), rest...)
	}
	file := func(header string, data int) []byte {
		return append(raw(uint64(len(header)), header), make([]byte, data)...)
	}
	tensor := func(dtype, shape, offsets string) string {
		return fmt.Sprintf(`{"t":{"dtype":"%s","shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
	}
	two := func(first, second string) string {
		return fmt.Sprintf(`{"a":{"dtype":"U8","shape":[2],"data_offsets":%s},"b":{"dtype":"U8","shape":[2],"data_offsets":%s}}`, first, second)
	}
	const ok = `{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`
	for _, test := range []struct {
		name  string
		file  []byte
		parts []string // of the error; none for a good file
	}{
		{"good", file(ok, 8), nil},
		{"no tensors", file("{}", 0), nil},
		{"only metadata", file(`{"__metadata__":{"a":"b"}}`, 0), nil},
		{"padded", file(ok+"    ", 8), nil},
		{"spaces and new lines between", file("{ \"t\" :\n{\"dtype\": \"F32\", \"shape\": [ 2 ], \"data_offsets\": [0, 8]}}", 8), nil},
		{"scalar", file(tensor("F32", "[]", "[0,4]"), 4), nil},
		{"empty tensor", file(tensor("F32", "[2,0]", "[0,0]"), 0), nil},

		{"no bytes", nil, []string{"0 bytes are too few"}},
		{"seven bytes", make([]byte, 7), []string{"7 bytes are too few"}},
		{"length alone", raw(0, ""), []string{"does not begin with '{'"}},
		{"header above the limit", raw(maxHeader+1, "{}"), []string{"100000001", "limit of 100000000"}},
		{"length of 2^64-1", raw(math.MaxUint64, "{}"), []string{"18446744073709551615", "limit"}},
		{"header longer than the file", raw(60, "{}"), []string{"60", "10", "cut short"}},
		{"data cut short", file(ok, 7), []string{`"t"`, "ends at 8", "7 bytes of data", "cut short"}},
		{"data missing", file(ok, 0), []string{`"t"`, "cut short"}},
		{"junk after the data", file(ok, 9), []string{"1 bytes after the last tensor"}},
		{"data without tensors", file("{}", 3), []string{"3 bytes after the last tensor"}},

		{"pickle", file("\x80\x02}q\x00.", 0), []string{"does not begin with '{'"}},
		{"zip", []byte("PK\x03\x04\x00\x00\x00\x00archive/data.pkl"), []string{"does not fit"}},
		{"space before", file(" "+ok, 8), []string{"does not begin with '{'"}},
		{"new line after", file(ok+"\n", 8), []string{"does not end with '}' and spaces"}},
		{"two values", file(ok+"{}", 8), []string{"not JSON"}},
		{"not UTF-8", file("{\"\xff\":1}", 0), []string{"not UTF-8"}},
		{"not JSON", file("{t}", 0), []string{"not JSON"}},
		{"trailing comma", file(`{"a":{},}`, 0), []string{"not JSON"}},
		{"deep", file("{\"a\":"+strings.Repeat("[", 20000)+strings.Repeat("]", 20000)+"}", 0), []string{"not JSON"}},

		{"tensor twice", file(`{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"t":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), []string{`"t" comes twice`}},
		{"tensor twice by escape", file(`{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0074":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), []string{`"t" comes twice`}},
		{"key twice", file(`{"t":{"dtype":"F32","dtype":"U8","shape":[2],"data_offsets":[0,8]}}`, 8), []string{`"t"`, `"dtype" comes twice`}},
		{"metadata twice", file(`{"__metadata__":{},"__metadata__":{}}`, 0), []string{`"__metadata__" comes twice`}},
		{"metadata of a number", file(`{"__metadata__":{"a":1}}`, 0), []string{"__metadata__", `"a"`, "not a string"}},
		{"metadata of null", file(`{"__metadata__":{"a":null}}`, 0), []string{"__metadata__", `"a"`, "not a string"}},
		{"metadata no object", file(`{"__metadata__":"a"}`, 0), []string{"__metadata__", "not a JSON object"}},
		{"tensor no object", file(`{"t":[1]}`, 0), []string{`"t"`, "not a JSON object"}},
		{"unknown key", file(`{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}`, 8), []string{`"t"`, `unknown key "x"`}},
		{"key in capitals", file(`{"t":{"DType":"F32","shape":[2],"data_offsets":[0,8]}}`, 8), []string{`"t"`, `unknown key "DType"`}},
		{"no dtype", file(`{"t":{"shape":[2],"data_offsets":[0,8]}}`, 8), []string{`"t"`, "no dtype"}},
		{"no shape", file(`{"t":{"dtype":"F32","data_offsets":[0,8]}}`, 8), []string{`"t"`, "no shape"}},
		{"no offsets", file(`{"t":{"dtype":"F32","shape":[2]}}`, 8), []string{`"t"`, "data_offsets", "not two numbers"}},
		{"unknown dtype", file(tensor("F8_E4M3", "[2]", "[0,2]"), 2), []string{`"t"`, `unknown dtype "F8_E4M3"`}},
		{"dtype of a number", file(`{"t":{"dtype":1,"shape":[2],"data_offsets":[0,8]}}`, 8), []string{`"t"`, "dtype: not a string"}},

		{"negative dimension", file(tensor("U8", "[-2]", "[0,2]"), 2), []string{`"t"`, "shape", "-2"}},
		{"fractional dimension", file(tensor("U8", "[2.0]", "[0,2]"), 2), []string{`"t"`, "shape", "2.0"}},
		{"dimension of 2^64", file(tensor("U8", "[18446744073709551616]", "[0,2]"), 2), []string{`"t"`, "18446744073709551616"}},
		{"dimension in a string", file(tensor("U8", `["2"]`, "[0,2]"), 2), []string{`"t"`, "shape", "other than numbers"}},
		{"shape overflows", file(tensor("F32", "[4294967296,4294967296]", "[0,0]"), 0), []string{`"t"`, "more bytes than can be counted"}},
		{"size overflows", file(tensor("F32", "[4611686018427387904]", "[0,0]"), 0), []string{`"t"`, "more bytes than can be counted"}},
		{"shape needs more", file(tensor("F32", "[3]", "[0,8]"), 8), []string{`"t"`, "hold 8 bytes", "needs 12"}},
		{"shape needs less", file(tensor("F32", "[1]", "[0,8]"), 8), []string{`"t"`, "hold 8 bytes", "needs 4"}},
		{"one offset", file(tensor("F32", "[2]", "[8]"), 8), []string{`"t"`, "not two numbers"}},
		{"three offsets", file(tensor("F32", "[2]", "[0,4,8]"), 8), []string{`"t"`, "not two numbers"}},
		{"offsets backwards", file(tensor("F32", "[2]", "[8,0]"), 8), []string{`"t"`, "run backwards"}},
		{"negative offset", file(tensor("F32", "[2]", "[-8,0]"), 8), []string{`"t"`, "data_offsets", "-8"}},
		{"huge offsets", file(tensor("F32", "[2]", "[9223372036854775799,9223372036854775807]"), 8), []string{`"t"`, "hole"}},
		{"hole before", file(tensor("F32", "[2]", "[4,12]"), 12), []string{`"t"`, "hole after the header"}},
		{"hole between", file(two("[0,2]", "[3,5]"), 5), []string{`"b"`, `hole after tensor "a"`}},
		{"overlap", file(two("[0,2]", "[1,3]"), 3), []string{`"b"`, `inside that of tensor "a"`}},
		{"same span", file(two("[0,2]", "[0,2]"), 2), []string{`"b"`, `inside that of tensor "a"`}},
		{"any order", file(two("[2,4]", "[0,2]"), 4), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.safetensors")
			if err := os.WriteFile(path, test.file, 0o666); err != nil {
				t.Fatal(err)
			}
			f, err := OpenFile(path)
			if test.parts == nil {
				if err != nil {
					t.Fatal(err)
				}
				f.Close()
				return
			}
			wantOneLine(t, err, append(test.parts, path)...)
		})
	}
}

// TestCutAnywhere cuts a good file at every length.
func TestCutAnywhere(t *testing.T) {
	whole, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.safetensors")
	for n := range whole {
		if err := os.WriteFile(path, whole[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		f, err := OpenFile(path)
		if err == nil {
			f.Close()
			t.Errorf("a file cut at %d of %d was opened", n, len(whole))
		}
	}
}

func floats(name string, list ...float32) Tensor {
	var b bytes.Buffer
	binary.Write(&b, binary.LittleEndian, list)
	return Tensor{name, Float32, []int64{int64(len(list))}, b.Bytes()}
}

func makeDir(t *testing.T, shards map[string][]Tensor, index string) string {
	t.Helper()
	dir := t.TempDir()
	for name, tensors := range shards {
		if err := Write(filepath.Join(dir, name), tensors, nil); err != nil {
			t.Fatal(err)
		}
	}
	if index != "" {
		if err := os.WriteFile(filepath.Join(dir, IndexFile), []byte(index), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOpenSingle(t *testing.T) {
	// As in Hugging Face's own loader, the single file goes first.
	dir := makeDir(t, map[string][]Tensor{SingleFile: {floats("a", 1, 2)}}, "nonsense")
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := values[float32](t, mustRead(t, c, "a"), 2); !slices.Equal(got, []float32{1, 2}) {
		t.Errorf("got %v", got)
	}
}

func TestOpenSharded(t *testing.T) {
	dir := makeDir(t, map[string][]Tensor{
		"s-1": {floats("c", 1), floats("b", 2)},
		"s-2": {floats("a", 3, 4)},
	}, `{"metadata":{"total_size":1e99,"x":[{}]},"weight_map":{"a":"s-2","b":"s-1","c":"s-1"}}`)
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if diff := cmp.Diff([]string{"b", "c", "a"}, c.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	for name, want := range map[string][]float32{"a": {3, 4}, "b": {2}, "c": {1}} {
		if got := values[float32](t, mustRead(t, c, name), len(want)); !slices.Equal(got, want) {
			t.Errorf("tensor %q: got %v, want %v", name, got, want)
		}
	}
	if _, ok := c.Info("d"); ok {
		t.Error("there is a tensor d")
	}
	wantOneLine(t, c.ReadInto("d", nil), dir, `no tensor "d"`)
}

func TestOpenRefusesWrongIndex(t *testing.T) {
	for _, test := range []struct {
		name, index string
		parts       []string
	}{
		{"tensor in another shard", `{"weight_map":{"a":"s-2","b":"s-2"}}`, []string{`"a"`, "s-2", "lacks tensor"}},
		{"tensor nowhere", `{"weight_map":{"a":"s-1","x":"s-1"}}`, []string{`"x"`, "s-1", "lacks tensor"}},
		{"tensor not listed", `{"weight_map":{"x":"s-1"}}`, []string{"s-1", `"a"`, "not listed"}},
		{"no such shard", `{"weight_map":{"a":"s-1","b":"s-3"}}`, []string{"shard s-3 is missing"}},
		{"tensor twice", `{"weight_map":{"a":"s-1","a":"s-2"}}`, []string{"weight_map", `"a" comes twice`}},
		{"outside the directory", `{"weight_map":{"a":"../s-1"}}`, []string{`"a"`, "not a plain file name"}},
		{"absolute", `{"weight_map":{"a":"/etc/passwd"}}`, []string{`"a"`, "not a plain file name"}},
		{"the directory", `{"weight_map":{"a":"."}}`, []string{`"a"`, "not a plain file name"}},
		{"its parent", `{"weight_map":{"a":".."}}`, []string{`"a"`, "not a plain file name"}},
		{"no name", `{"weight_map":{"a":""}}`, []string{`"a"`, "not a plain file name"}},
		{"a number", `{"weight_map":{"a":1}}`, []string{`"a"`, "not a string"}},
		{"a list", `{"weight_map":["a"]}`, []string{"weight_map", "not a JSON object"}},
		{"nothing", `{"weight_map":{}}`, []string{"no weight_map"}},
		{"no weight_map", `{}`, []string{"no weight_map"}},
		{"no JSON", `{`, []string{"not JSON"}},
		{"no bytes", ` `, []string{"not JSON"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := makeDir(t, map[string][]Tensor{"s-1": {floats("a", 1)}, "s-2": {floats("b", 2)}}, test.index)
			c, err := Open(dir)
			if err == nil {
				c.Close()
			}
			wantOneLine(t, err, append(test.parts, dir)...)
		})
	}
}

func TestOpenNamesWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(filepath.Join(dir, "none"))
	wantOneLine(t, err, "no such model directory", filepath.Join(dir, "none"))
	_, err = Open(dir)
	wantOneLine(t, err, dir, SingleFile, IndexFile, PickleSingle, PickleIndexFile)
	pickled := filepath.Join(dir, PickleSingle)
	if err := os.WriteFile(pickled, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir)
	wantOneLine(t, err, pickled, "0 bytes are too few")
	_, err = Open(pickled)
	wantOneLine(t, err, pickled, "not a model directory")
}
