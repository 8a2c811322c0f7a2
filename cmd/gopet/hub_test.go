package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/internal/hubtest"
)

// upload puts the files of a directory into a repository, below a folder of it.
func upload(t *testing.T, server *hubtest.Server, id, folder, dir string) {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[folder+filepath.Base(path)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Add(id, files)
}

// TestIdsOfTheHub: every command that takes a model or data takes their ids,
// and does the same with them.
func TestIdsOfTheHub(t *testing.T) {
	const model, rows = "someone/tiny-bert", "someone/kinds:topics"
	modelDir, dataDir := modelAndData(t)
	server, cache := hubtest.New(t)
	upload(t, server, model, "", modelDir)
	upload(t, server, "datasets/someone/kinds", "topics/", dataDir)
	t.Chdir(t.TempDir())

	// Without the weights, and before anything else has been fetched.
	mustGopet(t, "", "plan", "--model", model, "--params", "100", "--json")
	if weights, err := filepath.Glob(filepath.Join(cache, "*", "snapshots", "*", "model.safetensors")); err != nil || len(weights) > 0 {
		t.Errorf("plan fetched %v, %v", weights, err)
	}

	result := decode(t, mustGopet(t, "", trainArgs(model, rows, "run", "--json")...))
	if result["model"] != model {
		t.Errorf("the result is of the model %v", result["model"])
	}
	here := decode(t, mustGopet(t, "", trainArgs(modelDir, dataDir, "here", "--json")...))
	if diff := cmp.Diff(here["test"], result["test"]); diff != "" {
		t.Errorf("from directories (-), by ids (+):\n%s", diff)
	}

	// All is there now.
	server.Close()
	t.Setenv("HF_HUB_OFFLINE", "1")
	scores := decode(t, mustGopet(t, "", "eval", "--model", model, "--adapter", "run/adapter", "--data", rows, "--threads", "1", "--json"))
	for name, value := range result["test"].(map[string]any) {
		if scores[name] != value {
			t.Errorf("%s is %v in eval, %v in the run's result", name, scores[name], value)
		}
	}
	predict := func(model string) string {
		return mustGopet(t, "red cat\none two\n", "predict", "--model", model, "--adapter", "run/adapter", "--logits")
	}
	if diff := cmp.Diff(predict(modelDir), predict(model)); diff != "" {
		t.Errorf("by its directory (-), by its id (+):\n%s", diff)
	}
	mustGopet(t, "", "merge", "--model", model, "--adapter", "run/adapter", "--out", "merged")
	mustGopet(t, "", "convert", "--in", model, "--out", "converted")
	if text := mustGopet(t, "", "data", "inspect", rows); !strings.Contains(text, "train: 48 rows") {
		t.Errorf("inspect says %q", text)
	}
	mustGopet(t, "", "bench", "--model", model, "--shape", "2x4", "--steps", "1", "--threads", "1", "--params", "10", "--methods", "apet-discrete", "--json")
}

func modelAndData(t *testing.T) (modelDir, dataDir string) { return model(t, encoder), dataset(t) }

func TestIdsThatDoNotExist(t *testing.T) {
	model, data := modelAndData(t)
	server, _ := hubtest.New(t)
	upload(t, server, "someone/tiny-bert", "", model)
	t.Chdir(t.TempDir())
	mustGopet(t, "", "plan", "--model", "someone/tiny-bert", "--params", "1")
	if err := os.Mkdir("runs", 0o777); err != nil {
		t.Fatal(err)
	}
	server.Requests()
	for name, test := range map[string]struct {
		model, data string
		words       []string
	}{
		"a model that is like a cached one": {"someone/tiny-brt", data, []string{`no such model directory: "someone/tiny-brt"`, `did you mean "someone/tiny-bert"?`, "HF_TOKEN"}},
		"a path":                            {"runs/tiny", data, []string{`no such model directory: "runs/tiny"`}},
		"data":                              {model, "nobody/rows", []string{`no such data directory: "nobody/rows"`, `has no data set "nobody/rows"`}},
		"a revision":                        {"someone/tiny-bert@v7", data, []string{`no revision "v7"`}},
	} {
		t.Run(name, func(t *testing.T) {
			refuses(t, exitFailure, trainArgs(test.model, test.data, "run"), test.words...)
			if _, err := os.Stat("run"); err == nil {
				t.Error("a run directory was made")
			}
			if sent := server.Requests(); name == "a path" && len(sent) > 0 {
				t.Errorf("sent to the network: %v", sent)
			}
		})
	}
}
