package hub

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gopet-ml/gopet/internal/hubtest"
)

// found is a file that Python has found.
type found struct{ Path, SHA256 string }

// TestInteropPythonReads: what gopet downloaded, huggingface_hub and
// transformers find without the network.
func TestInteropPythonReads(t *testing.T) {
	server, cache := hubtest.New(t)
	files := with(beside(), "model.safetensors", weights)
	repo := server.Add(id, files)
	dir := mustModel(t, id, Options{})
	pinned := repo.Commit("v2", with(beside(), "model.safetensors", weights+"2"))
	other := mustModel(t, id+"@v2", Options{})
	server.Requests()
	t.Setenv("HF_HUB_OFFLINE", "1")

	var got map[string]found
	hubtest.Python(t, &got, append([]string{"files", "model", id, "main"}, names(t, dir)...)...)
	for _, name := range names(t, dir) {
		if want := (found{filepath.Join(dir, name), sum(files[name])}); got[name] != want {
			t.Errorf("%s: %+v, want %+v", name, got[name], want)
		}
	}
	for _, revision := range []string{"v2", pinned} {
		hubtest.Python(t, &got, "files", "model", id, revision, "model.safetensors")
		if want := (found{filepath.Join(other, "model.safetensors"), sum(weights + "2")}); got["model.safetensors"] != want {
			t.Errorf("at %s: %+v, want %+v", revision, got, want)
		}
	}
	var snapshot found
	hubtest.Python(t, &snapshot, "snapshot", "model", id, "main")
	if snapshot.Path != dir {
		t.Errorf("the snapshot is %s, want %s", snapshot.Path, dir)
	}
	var config map[string]string
	hubtest.Python(t, &config, "config", id)
	if config["model_type"] != "t5" || config["weights"] != filepath.Join(dir, "model.safetensors") {
		t.Errorf("transformers reads %v", config)
	}
	var scan struct {
		Repos []struct {
			ID, Type    string
			Refs, Files []string
		}
		Warnings []string
	}
	hubtest.Python(t, &scan, "scan")
	if len(scan.Repos) != 1 || scan.Repos[0].ID != id || scan.Repos[0].Type != "model" || len(scan.Warnings) > 0 ||
		!slices.Equal(scan.Repos[0].Refs, []string{"main", "v2"}) || len(scan.Repos[0].Files) != 2*len(names(t, dir)) {
		t.Errorf("in %s there is %+v", cache, scan)
	}
	if requests := server.Requests(); len(requests) > 0 {
		t.Errorf("offline, and asked for %v", requests)
	}
}

func sum(content string) string {
	digest := sha256.Sum256([]byte(content))
	return hex.EncodeToString(digest[:])
}

// TestInteropGoReads: what huggingface_hub downloaded, from the same server,
// gopet uses without the network.
func TestInteropGoReads(t *testing.T) {
	for name, command := range map[string][]string{
		"file by file": {"files", "model", id, "main", "config.json", "spiece.model", "tokenizer_config.json", "model.safetensors"},
		"all of it":    {"snapshot", "model", id, "main"},
		"a commit":     {"snapshot", "model", id, "COMMIT"},
	} {
		t.Run(name, func(t *testing.T) {
			server, cache := hubtest.New(t)
			files := with(beside(), "model.safetensors", weights)
			repo := server.Add(id, files)
			ask := id
			if command[3] == "COMMIT" {
				command[3] = repo.Head("main")
				ask += "@" + command[3]
			}
			repo.Private = true
			t.Setenv("HF_TOKEN", server.Token)
			hubtest.Python(t, new(any), command...)
			server.Requests()
			dir := mustModel(t, ask, Options{})
			if want := filepath.Join(cache, "models--google--t5-v1_1-small", "snapshots", repo.Head("main")); dir != want {
				t.Errorf("got %s, want %s", dir, want)
			}
			if requests := server.Requests(); len(requests) > 0 {
				t.Errorf("asked for %v", requests)
			}
			if content, err := os.ReadFile(filepath.Join(dir, "model.safetensors")); err != nil || string(content) != weights {
				t.Errorf("the weights: %.20q, %v", content, err)
			}
		})
	}
}

// TestInteropGoCompletes: what huggingface_hub downloaded in part is completed,
// and it reads the rest.
func TestInteropGoCompletes(t *testing.T) {
	server, _ := hubtest.New(t)
	server.Add(id, with(beside(), "model.safetensors", weights))
	var got map[string]found
	hubtest.Python(t, &got, "files", "model", id, "main", "config.json", "README.md")
	dir := mustModel(t, id, Options{})
	if want := filepath.Join(dir, "config.json"); got["config.json"].Path != want {
		t.Errorf("Python has %v, gopet %s", got, dir)
	}
	t.Setenv("HF_HUB_OFFLINE", "1")
	hubtest.Python(t, &got, "files", "model", id, "main", "README.md", "model.safetensors")
	if want := sum(weights); got["model.safetensors"].SHA256 != want {
		t.Errorf("got %v", got)
	}
}
