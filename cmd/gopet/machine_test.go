package main

import (
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/version"
	"github.com/gopet-ml/gopet/torch"
)

func TestVersion(t *testing.T) {
	v := decode(t, mustGopet(t, "", "version", "--json"))
	if v["version"] != version.Version || v["libtorch"] != torch.Version() {
		t.Errorf("version %v", v)
	}
	if line := mustGopet(t, "", "version"); !strings.HasPrefix(line, "gopet "+version.Version+" (libtorch ") {
		t.Errorf("version %q", line)
	}
}

func TestDoctor(t *testing.T) {
	report := decode(t, mustGopet(t, "", "doctor", "--device", "cpu", "--json"))
	hasKeys(t, report, "gopet", "libtorch", "go", "system", "vector_instructions", "threads", "cuda", "kernels")
	if kernels := report["kernels"].([]any); len(kernels) == 0 {
		t.Error("no kernel was checked")
	}
	cuda := report["cuda"].(map[string]any)
	if cuda["devices"] == 0.0 && cuda["reason"] == nil {
		t.Error("no device, and no reason why")
	}
	if text := mustGopet(t, "", "doctor", "--device", "cpu"); !strings.Contains(text, "masked gradient") || strings.Contains(text, "DIFFERS") {
		t.Errorf("doctor:\n%s", text)
	}
}

func TestBench(t *testing.T) {
	args := []string{"bench", "--model", model(t, encoder), "--shape", "2x8", "--steps", "3", "--params", "50", "--threads", "1"}
	report := decode(t, mustGopet(t, "", append(args, "--json")...))
	hasKeys(t, report, "machine", "floor", "results", "peers")
	results := report["results"].([]any)
	if len(results) != 3 {
		t.Errorf("%d results", len(results))
	}
	for _, result := range results {
		hasKeys(t, result.(map[string]any), "method", "trainable", "step_seconds", "floor_ratio", "samples_per_second", "tokens_per_second",
			"peak_memory_bytes", "gemm_efficiency")
	}
	if text := mustGopet(t, "", append(args, "--methods", "apet-discrete")...); !strings.Contains(text, "floor") || !strings.Contains(text, "apet-discrete") {
		t.Errorf("bench:\n%s", text)
	}
	refuses(t, exitFailure, append(args, "--methods", "apet"), "unknown method")
	refuses(t, exitFailure, append(args, "--methods", "lora:rank=0"), `method "lora:rank=0": rank=0: want a whole number above 0`)
	refuses(t, exitFailure, append(args, "--python", "/nowhere/python3"), "PyTorch floor: ")
	refuses(t, exitFailure, append(args, "--shape", "2x64"), "rows of 64 tokens", "at most 23")
	refuses(t, exitFailure, append(args, "--params", "100000000"), "number of eligible entries")
}
