package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFullDisk trains in a process that may not write files beyond a limit,
// where a write fails as it does on a full disk.
func TestFullDisk(t *testing.T) {
	const variable = "GOPET_TEST_FILE_LIMIT"
	if limit := os.Getenv(variable); limit != "" {
		runLimited(t, limit)
		return
	}
	model, data := model(t, encoder), dataset(t)
	for _, test := range []struct {
		name, limit string
		what        string // cannot be written
		left        string // status of the run
	}{
		{"from the start", "16", "config.json", ""},
		{"at the first adapter", "3000", "adapter_model.safetensors", "failed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			parent := t.TempDir()
			run := filepath.Join(parent, "run")
			command := exec.Command(os.Args[0], "-test.run", "^TestFullDisk$")
			command.Env = append(os.Environ(), variable+"="+test.limit, "GOPET_TEST_ARGS="+strings.Join(trainArgs(model, data, run, "--params", "3000"), "\n"))
			output, err := command.CombinedOutput()
			line := lastLine(strings.TrimSuffix(string(output), "PASS\n"))
			if err != nil || !strings.HasPrefix(line, "gopet: ") || !strings.Contains(line, test.what) || !strings.Contains(line, "file too large") {
				t.Fatalf("%v: %s", err, output)
			}
			if test.left == "" {
				if left, err := os.ReadDir(parent); err != nil || len(left) != 0 {
					t.Errorf("left behind: %v %v", left, err)
				}
				return
			}
			text, err := os.ReadFile(filepath.Join(run, "result.json"))
			if err != nil {
				t.Fatal(err)
			}
			result := map[string]any{}
			if err := json.Unmarshal(text, &result); err != nil || result["status"] != test.left {
				t.Errorf("result.json: %s (%v)", text, err)
			}
			for _, pattern := range []string{"best", "adapter", ".*"} {
				if left, _ := filepath.Glob(filepath.Join(run, pattern)); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			}
		})
	}
}

// runLimited is the child: gopet itself, under the limit.
func runLimited(t *testing.T, limit string) {
	signal.Ignore(syscall.SIGXFSZ)
	var bytes uint64
	if err := json.Unmarshal([]byte(limit), &bytes); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: bytes}); err != nil {
		t.Fatal(err)
	}
	if code := run(t.Context(), append([]string{"gopet"}, strings.Split(os.Getenv("GOPET_TEST_ARGS"), "\n")...)); code != exitFailure {
		t.Fatalf("exit %d", code)
	}
}
