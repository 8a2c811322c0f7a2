package checkpoint

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o666); err != nil {
		t.Fatal(err)
	}
}

func mustOpenDir(t *testing.T, dir string) *Checkpoint {
	t.Helper()
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestOpenTakesTheFirst puts one tensor, named after its place, into each file
// that a directory may have, and takes the files away one by one.
func TestOpenTakesTheFirst(t *testing.T) {
	dir := makeDir(t, map[string][]Tensor{
		SingleFile: {floats("single", 1)}, "s-1": {floats("sharded", 1)},
	}, `{"weight_map":{"sharded":"s-1"}}`)
	pickled := func(name string) []byte {
		return zipOf(t, pickleOf(dictOf(name, tensorOf(storageOf("FloatStorage", 4), 0, nums(1), nums(1)))), nil)
	}
	for name, content := range map[string][]byte{
		PickleSingle: pickled("pickled"), "p-1": pickled("pickled shard"),
		PickleIndexFile: []byte(`{"weight_map":{"pickled shard":"p-1"}}`),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct{ want, gone string }{
		{"single", SingleFile}, {"sharded", IndexFile}, {"pickled", PickleSingle}, {"pickled shard", PickleIndexFile},
	} {
		if got := mustOpenDir(t, dir).Names(); !slices.Equal(got, []string{step.want}) {
			t.Errorf("opened %q, want %q", got, step.want)
		}
		if err := os.Remove(filepath.Join(dir, step.gone)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Open(dir)
	wantOneLine(t, err, dir, "none of", PickleIndexFile)
}

// TestABrokenFileIsNotPassedOver wants the error of the file that goes first.
func TestABrokenFileIsNotPassedOver(t *testing.T) {
	dir := t.TempDir()
	copyFile(t, filepath.Join(pickles, "module.bin"), filepath.Join(dir, PickleSingle))
	if err := os.WriteFile(filepath.Join(dir, SingleFile), []byte("short"), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := Open(dir)
	wantOneLine(t, err, SingleFile, "5 bytes are too few")
}

func TestOpenPickledShards(t *testing.T) {
	c := mustOpenDir(t, filepath.Join(pickles, "sharded"))
	if diff := cmp.Diff([]string{"a.weight", "b.weight", "c.weight"}, c.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	for name, golden := range map[string]string{"a.weight": "first", "b.weight": "first", "c.weight": "second"} {
		want := mustRead(t, mustOpen(t, filepath.Join(pickles, "sharded", golden+".safetensors")), name)
		if diff := cmp.Diff(want, mustRead(t, c, name)); diff != "" {
			t.Errorf("tensor %q (-want +got):\n%s", name, diff)
		}
	}
	if tied := c.Tied(); tied != nil {
		t.Errorf("tied %v", tied)
	}
}

func TestOpenRefusesWrongPickledShards(t *testing.T) {
	const first, second = "pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"
	for name, test := range map[string]struct {
		spoil func(dir string) error
		parts []string
	}{
		"missing":   {func(dir string) error { return os.Remove(filepath.Join(dir, second)) }, []string{PickleIndexFile, second, "is missing"}},
		"cut short": {func(dir string) error { return os.Truncate(filepath.Join(dir, first), 1000) }, []string{first, "cut short"}},
		"another": {func(dir string) error { return os.Rename(filepath.Join(dir, first), filepath.Join(dir, second)) },
			[]string{first, "is missing"}},
		"swapped": {func(dir string) error {
			copyFile(t, filepath.Join(pickles, "sharded", first), filepath.Join(dir, second))
			return nil
		}, []string{PickleIndexFile, second, `"a.weight"`, "not listed"}},
		"safetensors": {func(dir string) error {
			return Write(filepath.Join(dir, second), []Tensor{floats("c.weight", 1)}, nil)
		}, []string{second, "not a file of torch.save"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, file := range []string{first, second, PickleIndexFile} {
				copyFile(t, filepath.Join(pickles, "sharded", file), filepath.Join(dir, file))
			}
			if err := test.spoil(dir); err != nil {
				t.Fatal(err)
			}
			_, err := Open(dir)
			wantOneLine(t, err, test.parts...)
		})
	}
}

// TestOpenWeights goes by what a file holds, whatever its name.
func TestOpenWeights(t *testing.T) {
	dir := t.TempDir()
	for name, from := range map[string]string{
		"a": golden, "b.safetensors": filepath.Join(pickles, "zip-2.bin"), "c": filepath.Join(pickles, "legacy-2.bin"),
	} {
		path := filepath.Join(dir, name)
		copyFile(t, from, path)
		c, err := OpenWeights(path)
		if err != nil {
			t.Fatal(err)
		}
		if info, ok := c.Info("float32"); name != "a" && (!ok || info.NumBytes() != 24) {
			t.Errorf("%s: float32 is %v", name, info)
		}
		c.Close()
	}
	// A safetensors header of 640 bytes begins as a pickle of protocol 2 does.
	header := `{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`
	like := filepath.Join(dir, "like-a-pickle")
	content := "\x80\x02\x00\x00\x00\x00\x00\x00" + header + strings.Repeat(" ", 640-len(header))
	if err := os.WriteFile(like, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	c, err := OpenWeights(like)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	for name, test := range map[string]struct {
		content string
		want    string
	}{
		"empty": {"", "0 bytes are too few for a safetensors file"},
		"text":  {"version https://git-lfs.github.com/spec/v1", "above the limit"},
		"tar":   {"storages" + string(make([]byte, 600)), "above the limit"},
		"zip":   {"PK\x05\x06", "neither a zip archive nor a pickle"},
		"proto": {"\x80\x02", "too few for a file of torch.save"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(test.content), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := OpenWeights(path)
		wantOneLine(t, err, path, test.want)
	}
	_, err = OpenWeights(dir)
	wantOneLine(t, err, dir, "not a file")
}
