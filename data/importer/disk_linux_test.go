package importer

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gopet-ml/gopet/data"
)

// TestFullDisk imports in a process that may not write files of more than a
// few kilobytes, which fails where a full disk does.
func TestFullDisk(t *testing.T) {
	const variable = "GOPET_TEST_SMALL_FILES"
	if out := os.Getenv(variable); out != "" {
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 4096, Max: 4096}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		_, err := Import(context.Background(), Options{
			Inputs: map[string][]string{data.Train: {filepath.Join(filepath.Dir(out), "input.txt")}}, Out: out,
		})
		if err == nil {
			t.Fatal("the import succeeded")
		}
		t.Logf("error: %v", err)
		return
	}
	parent := t.TempDir()
	input := filepath.Join(parent, "input.txt")
	if err := os.WriteFile(input, []byte(strings.Repeat(labelled(1000), 20)), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(parent, "out")
	command := exec.Command(os.Args[0], "-test.run", "^TestFullDisk$", "-test.v")
	command.Env = append(os.Environ(), variable+"="+out)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if want := "error: write " + out + "/train-00000-of-00001.parquet: file too large"; !strings.Contains(string(output), want) {
		t.Errorf("output lacks %q:\n%s", want, output)
	}
	entries, err := os.ReadDir(parent)
	if err != nil || len(entries) != 1 {
		t.Errorf("left %v behind, %v", entries, err)
	}
}
