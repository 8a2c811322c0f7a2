package modeltest

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/torch"
)

// Refuses loads dir and wants one line that names it and holds what, and
// nothing left over.
func Refuses(t *testing.T, dir, what string) {
	t.Helper()
	RefusesAs(t, dir, CPU32, what)
}

// RefusesAs is Refuses with options.
func RefusesAs(t *testing.T, dir string, o models.Options, what string) {
	t.Helper()
	before := torch.LiveTensors()
	_, err := models.Load(dir, o)
	if err == nil {
		t.Fatalf("no error, want %q", what)
	}
	if !strings.Contains(err.Error(), what) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q, want one line with %q", err, what)
	}
	if !strings.Contains(err.Error(), dir) {
		t.Errorf("error %q does not name %s", err, dir)
	}
	if after := torch.LiveTensors(); after != before {
		t.Errorf("%d live tensors after the error, %d before", after, before)
	}
}

// Copy copies a model's config.json and weights into a folder of the test.
func Copy(t *testing.T, from ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"config.json", checkpoint.SingleFile} {
		data, err := os.ReadFile(filepath.Join(append(from, file)...))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// ReadConfig reads the fields of config.json.
func ReadConfig(t *testing.T, dir string) map[string]any {
	t.Helper()
	config := map[string]any{}
	ReadJSON(t, filepath.Join(dir, "config.json"), &config)
	return config
}

// ReadJSON reads a file into v.
func ReadJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// EditConfig sets a field of config.json; nil removes it.
func EditConfig(t *testing.T, dir, field string, value any) {
	t.Helper()
	config, err := models.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	data, err := config.With(map[string]any{field: value})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config.Path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// EditTensors writes the weights anew after edit has changed them.
func EditTensors(t *testing.T, dir string, edit func(map[string]checkpoint.Tensor)) {
	t.Helper()
	tensors := ReadTensors(t, dir)
	edit(tensors)
	list := slices.Collect(maps.Values(tensors))
	if err := checkpoint.Write(filepath.Join(dir, checkpoint.SingleFile), list, nil); err != nil {
		t.Fatal(err)
	}
}

// ReadTensors reads the weights, by name.
func ReadTensors(t *testing.T, dir string) map[string]checkpoint.Tensor {
	t.Helper()
	c, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	tensors := map[string]checkpoint.Tensor{}
	for _, name := range c.Names() {
		info, _ := c.Info(name)
		data := make([]byte, info.NumBytes())
		if err := c.ReadInto(name, data); err != nil {
			t.Fatal(err)
		}
		tensors[name] = checkpoint.Tensor{Name: name, DType: info.DType, Shape: info.Shape, Data: data}
	}
	return tensors
}

// SameParameters checks that two models have the same parameters, bit for bit.
func SameParameters(t *testing.T, got, want models.Model) {
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
