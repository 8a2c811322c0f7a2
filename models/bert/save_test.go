package bert

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/modeltest"
)

func TestSave(t *testing.T) {
	t.Run("classifier", func(t *testing.T) {
		m := load32(t, filepath.Join("testdata", "bare"), []string{"yes", "no"})
		dir := filepath.Join(t.TempDir(), "saved")
		if err := m.Save(dir); err != nil {
			t.Fatal(err)
		}
		again := load32(t, dir, nil)
		modeltest.SameParameters(t, again, m)
		if want := []string{"yes", "no"}; !slices.Equal(again.Labels(), want) {
			t.Errorf("labels %q, want %q", again.Labels(), want)
		}
		config := modeltest.ReadConfig(t, dir)
		if got := fmt.Sprint(config["architectures"]); got != "[BertForSequenceClassification]" {
			t.Errorf("architectures %s", got)
		}
		if _, ok := modeltest.ReadTensors(t, dir)["bert.embeddings.LayerNorm.weight"]; !ok {
			t.Error("a classifier's encoder is saved without the prefix bert.")
		}
	})
	t.Run("encoder", func(t *testing.T) {
		m := load32(t, filepath.Join("testdata", "legacy"), nil)
		dir := filepath.Join(t.TempDir(), "saved")
		if err := m.Save(dir); err != nil {
			t.Fatal(err)
		}
		modeltest.SameParameters(t, load32(t, dir, nil), m)
		if _, ok := modeltest.ReadTensors(t, dir)["embeddings.LayerNorm.weight"]; !ok {
			t.Error("an encoder is saved with a prefix or with the old names")
		}
	})
	t.Run("unchanged bytes", func(t *testing.T) {
		m := load32(t, filepath.Join("testdata", "pooler"), nil)
		dir := filepath.Join(t.TempDir(), "saved")
		if err := m.Save(dir); err != nil {
			t.Fatal(err)
		}
		want := modeltest.ReadTensors(t, filepath.Join("testdata", "pooler"))
		for name, tensor := range modeltest.ReadTensors(t, dir) {
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
