package hub

import (
	"path/filepath"
	"testing"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/internal/hubtest"
)

// TestInteropData: huggingface_hub finds the shards that gopet downloaded, and
// gopet those that huggingface_hub did, without the network.
func TestInteropData(t *testing.T) {
	files := []string{"rte/train-00000-of-00001.parquet", "rte/test-00000-of-00001.parquet"}
	t.Run("Python reads", func(t *testing.T) {
		server, _ := hubtest.New(t)
		repo := server.Add(onServer, map[string]string{"rows.py": "a script"})
		repo.Commit(converted, shards(t, files...))
		dir := mustData(t, id+":rte")
		t.Setenv("HF_HUB_OFFLINE", "1")
		var got map[string]struct{ Path string }
		hubtest.Python(t, &got, append([]string{"files", "dataset", id, converted}, files...)...)
		for _, file := range files {
			if want := filepath.Join(filepath.Dir(dir), file); got[file].Path != want {
				t.Errorf("%s: %s, want %s", file, got[file].Path, want)
			}
		}
	})
	t.Run("Go reads", func(t *testing.T) {
		server, _ := hubtest.New(t)
		server.Add(onServer, shards(t, files...))
		hubtest.Python(t, new(any), append([]string{"files", "dataset", id, "main"}, files...)...)
		server.Requests()
		if got := counts(t, mustData(t, id+":rte")); got[data.Train] != 1 || got[data.Test] != 1 {
			t.Errorf("rows: %v", got)
		}
		if requests := server.Requests(); len(requests) > 0 {
			t.Errorf("asked for %v", requests)
		}
	})
}
