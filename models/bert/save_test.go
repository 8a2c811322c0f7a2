package bert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSave(t *testing.T) {
	t.Run("classifier", func(t *testing.T) {
		m := load32(t, filepath.Join("testdata", "bare"), []string{"yes", "no"})
		dir := filepath.Join(t.TempDir(), "saved")
		if err := m.Save(dir); err != nil {
			t.Fatal(err)
		}
		again := load32(t, dir, nil)
		sameParameters(t, again, m)
		if want := []string{"yes", "no"}; !slices.Equal(again.Labels(), want) {
			t.Errorf("labels %q, want %q", again.Labels(), want)
		}
		config := readConfig(t, dir)
		if got := fmt.Sprint(config["architectures"]); got != "[BertForSequenceClassification]" {
			t.Errorf("architectures %s", got)
		}
		if _, ok := readTensors(t, dir)["bert.embeddings.LayerNorm.weight"]; !ok {
			t.Error("a classifier's encoder is saved without the prefix bert.")
		}
	})
	t.Run("encoder", func(t *testing.T) {
		m := load32(t, filepath.Join("testdata", "legacy"), nil)
		dir := filepath.Join(t.TempDir(), "saved")
		if err := m.Save(dir); err != nil {
			t.Fatal(err)
		}
		sameParameters(t, load32(t, dir, nil), m)
		if _, ok := readTensors(t, dir)["embeddings.LayerNorm.weight"]; !ok {
			t.Error("an encoder is saved with a prefix or with the old names")
		}
	})
	t.Run("unchanged bytes", func(t *testing.T) {
		m := load32(t, filepath.Join("testdata", "pooler"), nil)
		dir := filepath.Join(t.TempDir(), "saved")
		if err := m.Save(dir); err != nil {
			t.Fatal(err)
		}
		want := readTensors(t, filepath.Join("testdata", "pooler"))
		for name, tensor := range readTensors(t, dir) {
			if !bytes.Equal(tensor.Data, want[name].Data) {
				t.Errorf("%s changed on its way through", name)
			}
		}
	})
	t.Run("over something", func(t *testing.T) {
		m := load32(t, filepath.Join("testdata", "pooler"), nil)
		if err := m.Save(t.TempDir()); err == nil || !strings.Contains(err.Error(), "already exists") {
			t.Errorf("error %v, want one that the directory already exists", err)
		}
	})
}

func readConfig(t *testing.T, dir string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	config := map[string]any{}
	if err := json.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	return config
}

func sameParameters(t *testing.T, got, want *Model) {
	t.Helper()
	a, b := got.Registry().Parameters(), want.Registry().Parameters()
	if len(a) != len(b) {
		t.Fatalf("%d parameters, want %d", len(a), len(b))
	}
	for i := range a {
		if a[i].Name != b[i].Name || !bytes.Equal(a[i].Tensor.Bytes(), b[i].Tensor.Bytes()) {
			t.Errorf("%s differs from %s", a[i].Name, b[i].Name)
		}
	}
}
