package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A plan says what a run then has, before it, with no weights in reach.
func TestPlansAreWhatRunsHave(t *testing.T) {
	t.Setenv("GOPET_CACHE", t.TempDir()) // without a calibration
	source, data := model(t, encoder), dataset(t)
	bare := filepath.Join(t.TempDir(), "bare")
	config, err := os.ReadFile(filepath.Join(source, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(bare, "config.json"), string(config))
	plan := decode(t, mustGopet(t, "", "plan", "--model", bare, "--method", "apet-adjacent", "--params", "100", "--labels", "3", "--json"))
	hasKeys(t, plan, "model", "method", "trainable", "memory_bytes", "step_seconds", "base_parameters")
	result := decode(t, mustGopet(t, "", trainArgs(source, data, filepath.Join(t.TempDir(), "run"), "--method", "apet-adjacent", "--json")...))
	for _, key := range []string{"method", "head"} {
		if planned, had := plan["trainable"].(map[string]any)[key], result["trainable"].(map[string]any)[key]; planned != had || had == 0.0 {
			t.Errorf("%s: planned %v, the run had %v", key, planned, had)
		}
	}
	if plan["step_seconds"] != nil {
		t.Errorf("step_seconds %v of a machine that nobody measured", plan["step_seconds"])
	}
	refuses(t, exitFailure, []string{"plan", "--model", bare, "--method", "apet-discrete", "--params", "999999999"}, "apet-discrete")
	refuses(t, exitUsage, []string{"plan", "--model", bare, "--method", "apet-discrete"}, "no --params given")
	refuses(t, exitUsage, []string{"plan", "--model", bare, "--method", "full", "--params", "3"}, "--params means nothing to --method full")
	refuses(t, exitFailure, []string{"plan", "--model", t.TempDir(), "--method", "full"}, "no config.json")
	refuses(t, exitUsage, []string{"plan", "--model", bare, "--method", "full", "--shape", "128"}, "want BATCHxLENGTH")
	refuses(t, exitUsage, []string{"plan", "--model", bare, "--method", "full", "--shape", "0x8"}, "want BATCHxLENGTH")
	refuses(t, exitFailure, []string{"plan", "--model", bare, "--method", "full", "--shape", "8x9999"}, "reads at most")
}

func TestPlanTellsWhatFitsAGPU(t *testing.T) {
	fits := decode(t, mustGopet(t, "", "plan", "--gpu", "L4", "--method", "bitfit", "--shape", "1x64", "--json"))
	hasKeys(t, fits, "memory_bytes", "length", "target", "dtype", "fits")
	if fits["dtype"] != "bfloat16" || fits["memory_bytes"] != 24.0*(1<<30) || len(fits["fits"].([]any)) != 5 {
		t.Errorf("fits %v", fits)
	}
	if out := mustGopet(t, "", "plan", "--memory", "24GB", "--method", "apet-discrete", "--shape", "1x64"); !strings.Contains(out, "t5-v1_1-xxl") {
		t.Errorf("a table without the largest T5:\n%s", out)
	}
	refuses(t, exitUsage, []string{"plan", "--gpu", "abacus"}, "give --memory")
	refuses(t, exitUsage, []string{"plan", "--memory", "24"}, "such as 24GB")
	refuses(t, exitUsage, []string{"plan", "--gpu", "l4", "--memory", "24GB"}, "give one of them")
	refuses(t, exitUsage, []string{"plan", "--gpu", "l4", "--model", "x"}, "leave --model")
}

func TestListsSayWhatThereIs(t *testing.T) {
	for command, want := range map[string]string{"methods": "apet-discrete", "tasks": "sst2", "models": "bert"} {
		if out := mustGopet(t, "", command); !strings.Contains(out, want) {
			t.Errorf("%s does not list %s:\n%s", command, want, out)
		}
		if out := mustGopet(t, "", command, "--json"); !strings.Contains(out, `"name":"`+want+`"`) {
			t.Errorf("%s --json does not list %s:\n%s", command, want, out)
		}
	}
}
