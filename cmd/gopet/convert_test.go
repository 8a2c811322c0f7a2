package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
)

const pickled = "../../models/convert/testdata/t5"

func TestConvert(t *testing.T) {
	torchtest.NoLeaks(t)
	parent := t.TempDir()
	o := gopet(t, "", "convert", "--in", pickled, "--out", filepath.Join(parent, "a"), "--json")
	if o.code != 0 || !strings.Contains(o.errors, "lm_head.weight is the same tensor as shared.weight and is written once, as that\n") {
		t.Errorf("exit %d, %q: want to be told of tied tensors", o.code, o.errors)
	}
	result := decode(t, o.out)
	hasKeys(t, result, "out", "files", "copied", "tensors", "parameters", "bytes", "tied")
	if result["parameters"] != 3840.0 || result["bytes"] != 15360.0 {
		t.Errorf("result %v", result)
	}

	text := mustGopet(t, "", "convert", "--in", filepath.Join(pickled, "pytorch_model.bin"), "--out", filepath.Join(parent, "b"),
		"--dtype", "bfloat16", "--shard-size", "3000")
	for _, want := range []string{"26 of 3,840 values, 7.50 KiB", "model-00001-of-00003.safetensors to model-00003-of-00003.safetensors", "config.json", filepath.Join(parent, "b")} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	entries, err := os.ReadDir(filepath.Join(parent, "b"))
	if err != nil || len(entries) != 5 { // three shards, the index, config.json
		t.Errorf("wrote %v (%v)", entries, err)
	}
}

func TestConvertRefuses(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	args := func(more ...string) []string { return append([]string{"convert", "--out", out}, more...) }
	refuses(t, exitUsage, args("--in", pickled, "--dtype", "bfloat"), `unknown dtype "bfloat"; did you mean "bfloat16"?`)
	refuses(t, exitUsage, args("--in", pickled, "--shard-size", "0"), "shard size 0: want 1 or more bytes")
	refuses(t, exitFailure, args("--in", "nowhere"), "no such model directory: \"nowhere\"")
	refuses(t, exitFailure, args("--in", "../../models/checkpoint/testdata/pickles/refused/for-a-tensor.bin"),
		"for-a-tensor.bin", `class "posix.system" is not one of a checkpoint's; nothing was run`)
	refuses(t, exitFailure, []string{"convert", "--in", pickled, "--out", t.TempDir()}, "already exists: choose another directory")
	if left, _ := os.ReadDir(filepath.Dir(out)); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
