package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A plan says what a run then has, before it, with no weights in reach.
func TestPlansAreWhatRunsHave(t *testing.T) {
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
