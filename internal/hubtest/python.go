package hubtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// PythonVariable names a Python that has huggingface_hub and transformers.
const PythonVariable = "GOPET_ORACLE_PYTHON"

// PythonCommand is testdata/interop.py with arguments, in the environment of
// the test; the test is skipped where there is no such Python.
func PythonCommand(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	python := os.Getenv(PythonVariable)
	if python == "" {
		t.Skipf("no Python with huggingface_hub: run `make parity`, or set %s", PythonVariable)
	}
	_, here, _, _ := runtime.Caller(0)
	script := filepath.Join(filepath.Dir(here), "testdata", "interop.py")
	command := exec.Command(python, append([]string{script}, arguments...)...)
	command.Env = append(os.Environ(), "HF_HUB_DISABLE_TELEMETRY=1", "HF_HUB_DISABLE_PROGRESS_BARS=1", "HF_HUB_DISABLE_UPDATE_CHECK=1")
	command.Stderr = os.Stderr
	return command
}

// Python runs testdata/interop.py and reads the line that it prints into
// result.
func Python(t *testing.T, result any, arguments ...string) {
	t.Helper()
	line, err := PythonCommand(t, arguments...).Output()
	if err != nil {
		t.Fatalf("interop.py %q: %v", arguments, err)
	}
	if err := json.Unmarshal(line, result); err != nil {
		t.Fatalf("interop.py %q printed %q: %v", arguments, line, err)
	}
}
