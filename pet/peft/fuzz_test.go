package peft_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/peft"
)

// FuzzConfiguration: whatever a configuration says of an adapter's tensors, an
// import succeeds, or fails with one line and leaves nothing.
func FuzzConfiguration(f *testing.F) {
	adapters := []string{"bert/peft/lora-layers", "bert/peft/prompt", "bert/peft/shira-regex", "bert/adapters/flexible-head"}
	for i, name := range adapters {
		text, err := os.ReadFile(filepath.Join("testdata", name, pet.AdapterConfigFile))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(i), string(text))
	}
	f.Fuzz(func(t *testing.T, which byte, config string) {
		dir := copyDir(t, filepath.Join("testdata", adapters[int(which)%len(adapters)]))
		write(t, dir, pet.AdapterConfigFile, config)
		out := filepath.Join(t.TempDir(), "out")
		_, err := peft.Import(t.Context(), peft.ImportOptions{Adapter: dir, Model: "testdata/bert", Out: out})
		if err == nil {
			return
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("error of several lines: %q", err)
		}
		if _, statErr := os.Lstat(out); statErr == nil {
			t.Errorf("left behind after %q", err)
		}
	})
}
