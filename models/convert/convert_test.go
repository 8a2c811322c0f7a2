package convert

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/models/checkpoint"
)

func mustRun(t *testing.T, o Options) *Result {
	t.Helper()
	if o.Out == "" {
		o.Out = filepath.Join(t.TempDir(), "out")
	}
	result, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// TestWritesTheBytesOfTransformers converts checkpoints with tied tensors and
// wants the files that transformers saves of the same models.
func TestWritesTheBytesOfTransformers(t *testing.T) {
	expected := map[string]string{}
	readJSON(t, "testdata/expected.json", &expected)
	compared := 0
	for _, model := range []string{"t5", "t5-untied", "bert"} {
		for how, o := range map[string]Options{
			"keep": {}, "shards": {ShardSize: 6000}, "float16": {DType: checkpoint.Float16}, "bfloat16": {DType: checkpoint.BFloat16},
		} {
			o.In = filepath.Join("testdata", model)
			result := mustRun(t, o)
			for _, file := range result.Files {
				if file == checkpoint.IndexFile {
					checkIndex(t, filepath.Join(result.Out, file), filepath.Join("testdata", model, "index.json"))
					continue
				}
				content, err := os.ReadFile(filepath.Join(result.Out, file))
				if err != nil {
					t.Fatal(err)
				}
				name := strings.Join([]string{model, how, file}, "/")
				sum := sha256.Sum256(content)
				if want := expected[name]; want != hex.EncodeToString(sum[:]) {
					t.Errorf("%s: SHA-256 %x, want %s", name, sum, want)
				}
				compared++
			}
		}
	}
	if compared != len(expected) {
		t.Errorf("%d files, transformers has %d", compared, len(expected))
	}
}

// checkIndex compares all but the number of parameters, which is known to the
// model alone.
func checkIndex(t *testing.T, path, golden string) {
	t.Helper()
	var got, want struct {
		Metadata struct {
			TotalSize int64 `json:"total_size"`
		} `json:"metadata"`
		WeightMap map[string]string `json:"weight_map"`
	}
	readJSON(t, path, &got)
	readJSON(t, golden, &want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestResult(t *testing.T) {
	var calls []string
	result := mustRun(t, Options{In: "testdata/t5", Progress: func(done, total int) { calls = append(calls, fmt.Sprint(done, "/", total)) }})
	want := &Result{
		Out: result.Out, Files: []string{checkpoint.SingleFile}, Copied: []string{"config.json"},
		Tensors: result.Tensors, Parameters: 3840, Bytes: 4 * 3840,
		Tied: []Alias{
			{"decoder.embed_tokens.weight", "shared.weight"}, {"encoder.embed_tokens.weight", "shared.weight"},
			{"lm_head.weight", "shared.weight"},
		},
	}
	if diff := cmp.Diff(want, result); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if len(calls) != result.Tensors || calls[len(calls)-1] != fmt.Sprint(result.Tensors, "/", result.Tensors) {
		t.Errorf("progress %v", calls)
	}
}

// TestValuesRoundAsTorch converts every type to every other.
func TestValuesRoundAsTorch(t *testing.T) {
	file, err := checkpoint.OpenFile("testdata/dtypes.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	read := func(name string) (checkpoint.DType, []byte) {
		info, _ := file.Info(name)
		data := make([]byte, info.NumBytes())
		if err := file.ReadInto(name, data); err != nil {
			t.Fatal(err)
		}
		return info.DType, data
	}
	for _, from := range []string{"float64", "float32", "float16", "bfloat16"} {
		for _, to := range []string{"float32", "float16", "bfloat16"} {
			fromType, src := read(from)
			toType, want := read(from + "." + to)
			got := make([]byte, len(want))
			if err := convertValues(got, toType, src, fromType); err != nil {
				t.Errorf("%s to %s: %v", from, to, err)
			}
			for i := 0; i < len(want); i += toType.Size() {
				if !bytes.Equal(got[i:i+toType.Size()], want[i:i+toType.Size()]) {
					n := i / toType.Size()
					t.Errorf("%s to %s, value %d (%x): %x, torch has %x", from, to, n,
						src[n*fromType.Size():(n+1)*fromType.Size()], got[i:i+toType.Size()], want[i:i+toType.Size()])
				}
			}
		}
	}
}

// TestNaNStaysNaN: torch keeps no more of one than that.
func TestNaNStaysNaN(t *testing.T) {
	for _, bits := range []uint32{0x7fc00000, 0xffc00000, 0x7f800001, 0x7fffffff, 0xff800001} {
		var src, dst [4]byte
		encode(src[:], []float32{math.Float32frombits(bits)}, checkpoint.Float32)
		for _, to := range targets {
			if err := convertValues(dst[:to.Size()], to, src[:], checkpoint.Float32); err != nil {
				t.Errorf("%x to %s: %v", bits, to, err)
			}
			back := []float32{0}
			decode(back, dst[:to.Size()], to)
			if !math.IsNaN(float64(back[0])) {
				t.Errorf("%x to %s is %v", bits, to, back[0])
			}
		}
	}
}

// TestEveryFloat16 goes there and back through float32.
func TestEveryFloat16(t *testing.T) {
	for half := range 1 << 16 {
		value := fromFloat16(uint16(half))
		if got := toFloat16(value); got != uint16(half) && !math.IsNaN(float64(value)) {
			t.Fatalf("%04x is %v and then %04x", half, value, got)
		}
	}
}

func floats(name string, list ...float32) checkpoint.Tensor {
	data := make([]byte, 4*len(list))
	encode(data, list, checkpoint.Float32)
	return checkpoint.Tensor{Name: name, DType: checkpoint.Float32, Shape: []int64{int64(len(list))}, Data: data}
}

// directory is a model directory of these tensors in safetensors.
func directory(t *testing.T, tensors ...checkpoint.Tensor) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.Write(filepath.Join(dir, checkpoint.SingleFile), tensors, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, dir, name string) (checkpoint.Info, []byte) {
	t.Helper()
	c, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	info, ok := c.Info(name)
	if !ok {
		t.Fatalf("no tensor %q", name)
	}
	data := make([]byte, info.NumBytes())
	if err := c.ReadInto(name, data); err != nil {
		t.Fatal(err)
	}
	return info, data
}

// TestOnlyFloatsAreConverted leaves positions and masks alone.
func TestOnlyFloatsAreConverted(t *testing.T) {
	ints := checkpoint.Tensor{Name: "ids", DType: checkpoint.Int64, Shape: []int64{1}, Data: []byte{1, 2, 3, 4, 5, 6, 7, 8}}
	result := mustRun(t, Options{In: directory(t, ints, floats("w", 1, 2)), DType: checkpoint.BFloat16})
	if info, data := read(t, result.Out, "ids"); info.DType != checkpoint.Int64 || !bytes.Equal(data, ints.Data) {
		t.Errorf("ids are %v %v", info, data)
	}
	if info, data := read(t, result.Out, "w"); info.DType != checkpoint.BFloat16 || !bytes.Equal(data, []byte{0x80, 0x3f, 0, 0x40}) {
		t.Errorf("w is %v %v", info, data)
	}
}

// TestCompanions: what belongs to the model comes along, what does not stays.
func TestCompanions(t *testing.T) {
	in := directory(t, floats("w", 1))
	files := map[string]string{
		"config.json": `{"b":1.50,"torch_dtype":"float32","a":[1]}`, "generation_config.json": "{}", "tokenizer.json": "{ }",
		"spiece.model": "\x00\xff", "vocab.txt": "[PAD]\n",
	}
	for name, text := range files {
		write(t, filepath.Join(in, name), text)
	}
	write(t, filepath.Join(in, "optimizer.pt"), "not the model's")
	for _, from := range []string{in, filepath.Join(in, checkpoint.SingleFile)} {
		result := mustRun(t, Options{In: from})
		for name, text := range files {
			if got, err := os.ReadFile(filepath.Join(result.Out, name)); err != nil || string(got) != text {
				t.Errorf("%s: %s is %q (%v)", from, name, got, err)
			}
		}
		if entries, _ := os.ReadDir(result.Out); len(entries) != len(files)+1 || len(result.Copied) != len(files) {
			t.Errorf("%s: wrote %v, copied %v", from, entries, result.Copied)
		}
	}
	if result := mustRun(t, Options{In: directory(t, floats("w", 1)), DType: checkpoint.Float16}); len(result.Copied) != 0 {
		t.Errorf("copied %v from where nothing is", result.Copied)
	}
}

// TestConfigSaysTheNewType: transformers goes by it.
func TestConfigSaysTheNewType(t *testing.T) {
	for config, want := range map[string]string{
		`{"b":1.50,"torch_dtype":"float32"}`:        "{\n  \"b\": 1.50,\n  \"torch_dtype\": \"bfloat16\"\n}\n",
		`{"dtype":"float32"}`:                       "{\n  \"dtype\": \"bfloat16\"\n}\n",
		`{"dtype":"float32","torch_dtype":"other"}`: "{\n  \"dtype\": \"bfloat16\",\n  \"torch_dtype\": \"bfloat16\"\n}\n",
		`{}`: "{\n  \"torch_dtype\": \"bfloat16\"\n}\n",
	} {
		in := directory(t, floats("w", 1))
		write(t, filepath.Join(in, "config.json"), config)
		result := mustRun(t, Options{In: in, DType: checkpoint.BFloat16})
		if got, err := os.ReadFile(filepath.Join(result.Out, "config.json")); err != nil || string(got) != want {
			t.Errorf("%s became %s (%v), want %s", config, got, err, want)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestAliases(t *testing.T) {
	for _, test := range []struct {
		group []string
		kept  string
	}{
		{[]string{"encoder.embed_tokens.weight", "shared.weight"}, "shared.weight"},
		{[]string{"transformer.encoder.embed_tokens.weight", "transformer.shared.weight"}, "transformer.shared.weight"},
		{[]string{"lm_head.weight", "transformer.word_embeddings.weight"}, "transformer.word_embeddings.weight"},
		{[]string{"cls.predictions.decoder.bias", "cls.predictions.bias"}, "cls.predictions.bias"},
		{[]string{"cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"}, "bert.embeddings.word_embeddings.weight"},
		{[]string{"b", "c", "a"}, "a"},
		{[]string{"encoder.embed_tokens.weight", "decoder.embed_tokens.weight"}, "decoder.embed_tokens.weight"},
	} {
		dropped := aliases([][]string{test.group})
		if len(dropped) != len(test.group)-1 {
			t.Errorf("%q: dropped %v", test.group, dropped)
		}
		for _, alias := range dropped {
			if alias.As != test.kept || alias.Name == test.kept || !slices.Contains(test.group, alias.Name) {
				t.Errorf("%q: %v, want %q kept", test.group, alias, test.kept)
			}
		}
	}
}

// TestRefusesAndLeavesNothing wants one line and no directory.
func TestRefusesAndLeavesNothing(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	good := func(t *testing.T) string { return directory(t, floats("w", 1)) }
	for name, test := range map[string]struct {
		in   func(t *testing.T) string
		o    Options
		ctx  context.Context
		want []string
	}{
		"nothing there":   {in: func(*testing.T) string { return "nowhere" }, want: []string{"no such model directory: nowhere"}},
		"no weights":      {in: func(t *testing.T) string { return t.TempDir() }, want: []string{"none of model.safetensors"}},
		"evil":            {in: func(*testing.T) string { return "../checkpoint/testdata/pickles/refused/system.bin" }, want: []string{`class "posix.system"`}},
		"out of float16":  {in: func(t *testing.T) string { return directory(t, floats("w", 1, -65520)) }, o: Options{DType: checkpoint.Float16}, want: []string{`"w"`, "beyond F16"}},
		"out of bfloat16": {in: func(t *testing.T) string { return directory(t, floats("w", math.MaxFloat32)) }, o: Options{DType: checkpoint.BFloat16}, want: []string{`"w"`, "beyond BF16"}},
		"out of float32":  {in: func(t *testing.T) string { return directory(t, float64s("w", 1e39)) }, o: Options{DType: checkpoint.Float32}, want: []string{`"w"`, "beyond F32"}},
		"config":          {in: withConfig("{"), o: Options{DType: checkpoint.Float16}, want: []string{"config.json", "unexpected end of JSON"}},
		"config of null":  {in: withConfig("null"), o: Options{DType: checkpoint.Float16}, want: []string{"config.json", "not a JSON object"}},
		"unknown type":    {in: good, o: Options{DType: checkpoint.Int8}, want: []string{"dtype I8: want one of"}},
		"negative shards": {in: good, o: Options{ShardSize: -1}, want: []string{"shard size -1"}},
		"no parent":       {in: good, o: Options{Out: filepath.Join("no", "such", "place")}, want: []string{"make its directory first"}},
		"interrupted":     {in: good, ctx: cancelled, want: []string{"context canceled"}},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			test.o.In = test.in(t)
			if test.o.Out == "" {
				test.o.Out = filepath.Join(parent, "out")
			}
			if test.ctx == nil {
				test.ctx = t.Context()
			}
			_, err := Run(test.ctx, test.o)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want one that says %q", err, want)
				}
			}
			if err != nil && (strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), ".tmp-")) {
				t.Errorf("%q: want one line that names no temporary", err)
			}
			if left, _ := os.ReadDir(parent); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	if _, err := Run(cancelled, Options{In: good(t), Out: filepath.Join(t.TempDir(), "out")}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v, want context.Canceled within", err)
	}
}

func withConfig(text string) func(*testing.T) string {
	return func(t *testing.T) string {
		dir := directory(t, floats("w", 1))
		write(t, filepath.Join(dir, "config.json"), text)
		return dir
	}
}

func float64s(name string, value float64) checkpoint.Tensor {
	data := make([]byte, 8)
	for i := range data {
		data[i] = byte(math.Float64bits(value) >> (8 * i))
	}
	return checkpoint.Tensor{Name: name, DType: checkpoint.Float64, Shape: []int64{}, Data: data}
}

func TestKeepsWhatIsThere(t *testing.T) {
	out := directory(t, floats("precious", 1))
	_, err := Run(t.Context(), Options{In: directory(t, floats("w", 1)), Out: out})
	if err == nil || !strings.Contains(err.Error(), "already exists: choose another directory") {
		t.Errorf("error %v", err)
	}
	read(t, out, "precious")
}

// TestMemoryIsOfOneTensor converts many tensors in the memory of a few.
func TestMemoryIsOfOneTensor(t *testing.T) {
	const tensors, size = 64, 1 << 20
	var list []checkpoint.Tensor
	data := make([]byte, size)
	for i := range tensors {
		list = append(list, checkpoint.Tensor{Name: fmt.Sprint(i), DType: checkpoint.Float32, Shape: []int64{size / 4}, Data: data})
	}
	in := directory(t, list...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	mustRun(t, Options{In: in, DType: checkpoint.BFloat16})
	runtime.ReadMemStats(&after)
	if made := after.TotalAlloc - before.TotalAlloc; made > 8*size {
		t.Errorf("%d bytes made in converting %d tensors of %d", made, tensors, size)
	}
}
