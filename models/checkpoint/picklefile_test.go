package checkpoint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const pickles = "testdata/pickles"

// goldenPickles are the good files of make_pickles.py and where their values are.
var goldenPickles = map[string]string{
	"zip-2.bin": "everything", "zip-3.bin": "everything", "zip-4.bin": "everything", "zip-5.bin": "everything",
	"legacy-2.bin": "everything", "legacy-3.bin": "everything", "legacy-4.bin": "everything", "legacy-5.bin": "everything",
	"module.bin": "module", "module-legacy.bin": "module",
	"without-types.bin": "without-types",
	"python2.bin":       "python2",
	"sharded/pytorch_model-00001-of-00002.bin": "sharded/first",
	"sharded/pytorch_model-00002-of-00002.bin": "sharded/second",
}

func mustOpenPickle(t testing.TB, path string) *PickleFile {
	t.Helper()
	p, err := OpenPickle(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// TestReadPickles wants the bytes that torch has for every tensor.
func TestReadPickles(t *testing.T) {
	for name, golden := range goldenPickles {
		t.Run(name, func(t *testing.T) {
			p := mustOpenPickle(t, filepath.Join(pickles, name))
			want := mustOpen(t, filepath.Join(pickles, golden+".safetensors"))
			if got := len(p.Names()); got != len(want.Names()) {
				t.Errorf("%d tensors, want %d", got, len(want.Names()))
			}
			for _, tensor := range want.Names() {
				wantInfo, _ := want.Info(tensor)
				info, _ := p.Info(tensor)
				if diff := cmp.Diff(wantInfo, info); diff != "" {
					t.Fatalf("tensor %q (-want +got):\n%s", tensor, diff)
				}
				if diff := cmp.Diff(mustRead(t, want, tensor), mustRead(t, p, tensor)); diff != "" {
					t.Errorf("tensor %q (-want +got):\n%s", tensor, diff)
				}
			}
		})
	}
}

func TestPickleKeepsItsOrder(t *testing.T) {
	p := mustOpenPickle(t, filepath.Join(pickles, "module.bin"))
	want := []string{"0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"}
	if diff := cmp.Diff(want, p.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestTied(t *testing.T) {
	for _, name := range []string{"zip-2.bin", "legacy-2.bin"} {
		p := mustOpenPickle(t, filepath.Join(pickles, name))
		want := [][]string{{"tied.first", "tied.second"}}
		if diff := cmp.Diff(want, p.Tied()); diff != "" {
			t.Errorf("%s: tied tensors (-want +got):\n%s", name, diff)
		}
	}
}

func TestReadIntoRefusesOnPickles(t *testing.T) {
	path := filepath.Join(pickles, "zip-2.bin")
	p := mustOpenPickle(t, path)
	wantOneLine(t, p.ReadInto("scalar", make([]byte, 8)), path, `"scalar"`, "4 bytes", "8")
	wantOneLine(t, p.ReadInto("other", nil), path, `no tensor "other"`)
	if _, ok := p.Info("other"); ok {
		t.Error("there is a tensor other")
	}
}

// TestRefusedPickles opens what may not be read and wants its reason; nothing
// that they ask for may happen.
func TestRefusedPickles(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(pickles, "refused.json"))
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	if err := json.Unmarshal(text, &reasons); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(pickles, "refused"))
	for name, reason := range reasons {
		_, err := OpenPickle(name)
		wantOneLine(t, err, name, reason)
		if strings.Contains(reason, ".") && err != nil && !strings.Contains(err.Error(), `class "`+reason+`"`) {
			t.Errorf("%s: %q does not name the class", name, err)
		}
	}
	if _, err := os.Stat("evil-was-here"); err == nil {
		t.Fatal("a pickle has run a command")
	}
}

// TestPickleCutAnywhere cuts good files at every length.
func TestPickleCutAnywhere(t *testing.T) {
	for _, name := range []string{"zip-2.bin", "legacy-2.bin", "legacy-4.bin", "python2.bin"} {
		whole, err := os.ReadFile(filepath.Join(pickles, name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, whole, 0o666); err != nil {
			t.Fatal(err)
		}
		for n := len(whole) - 1; n >= 0; n-- {
			if err := os.Truncate(path, int64(n)); err != nil {
				t.Fatal(err)
			}
			p, err := OpenPickle(path)
			if err == nil {
				p.Close()
				t.Errorf("%s: cut at %d of %d it was opened", name, n, len(whole))
			} else if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), path) {
				t.Errorf("%s cut at %d: %q is not one line with the file's name", name, n, err)
			}
		}
	}
}

// TestPickleCutWhileOpen cuts the data of tensors away after the check.
func TestPickleCutWhileOpen(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join(pickles, "legacy-2.bin"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cut.bin")
	if err := os.WriteFile(path, whole, 0o666); err != nil {
		t.Fatal(err)
	}
	p := mustOpenPickle(t, path)
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	for _, tensor := range []string{"matrix", "transposed", "every other"} {
		info, _ := p.Info(tensor)
		wantOneLine(t, p.ReadInto(tensor, make([]byte, info.NumBytes())), path, tensor, "cut short")
	}
}

// TestFlippedBits changes a bit of each byte of good files: they are refused in
// a line, or what they now hold can be read.
func TestFlippedBits(t *testing.T) {
	for _, name := range []string{"module.bin", "module-legacy.bin", "python2.bin"} {
		whole, err := os.ReadFile(filepath.Join(pickles, name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, whole, 0o666); err != nil {
			t.Fatal(err)
		}
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for i, was := range whole {
			setByte(t, file, i, was^1<<(i%8))
			checkReadable(t, path)
			setByte(t, file, i, was)
		}
	}
}

func setByte(t *testing.T, file *os.File, at int, value byte) {
	t.Helper()
	if _, err := file.WriteAt([]byte{value}, int64(at)); err != nil {
		t.Fatal(err)
	}
}

// checkReadable wants a file to be refused in one line, or read in whole.
func checkReadable(t *testing.T, path string) {
	t.Helper()
	p, err := OpenPickle(path)
	if err != nil {
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q is more than one line", err)
		}
		return
	}
	defer p.Close()
	for _, name := range p.Names() {
		info, _ := p.Info(name)
		if err := p.ReadInto(name, make([]byte, info.NumBytes())); err != nil {
			t.Errorf("opened, but not read: %v", err)
		}
	}
}
