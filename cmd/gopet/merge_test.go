package main

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A merged model answers as the base with its adapter does, without one.
func TestMergedModelsNeedNoAdapter(t *testing.T) {
	model, data := model(t, encoder), dataset(t)
	for _, method := range []string{"apet-discrete", "full"} {
		run, merged := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "merged")
		args := trainArgs(model, data, run, "--method", method, "--lr", "0.05", "--json")
		if at := slices.Index(args, "--params"); method == "full" {
			args = slices.Delete(args, at, at+2)
		}
		mustGopet(t, "", args...)
		adapter := filepath.Join(run, "adapter")
		said := decode(t, mustGopet(t, "", "merge", "--model", model, "--adapter", adapter, "--out", merged, "--json"))
		if said["method"] != method || said["out"] != merged || said["exact"] != (method == "apet-discrete") {
			t.Errorf("merge said %v", said)
		}
		rows := "red cat\none two\nbird sings\n"
		want := mustGopet(t, rows, "predict", "--model", model, "--adapter", adapter, "--logits")
		got := mustGopet(t, rows, "predict", "--model", merged, "--task", "classify", "--logits")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: with the adapter (-), merged (+):\n%s", method, diff)
		}
		refuses(t, exitFailure, []string{"merge", "--model", model, "--adapter", adapter, "--out", merged}, "already exists")
	}
	refuses(t, exitFailure, []string{"merge", "--model", model, "--adapter", model, "--out", "o"}, "no adapter_config.json")
}
