package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/task"
	"github.com/gopet-ml/gopet/examples/internal/tiny"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/train"
)

func tinyModel(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := tiny.Model(dir, 1); err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeNotes(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for i, split := range data.SplitNames {
		var lines strings.Builder
		for _, row := range tiny.Rows([]int{256, 64, 64}[i], uint64(i)) {
			lines.WriteString(row.Label + ": " + row.Text + "\n")
		}
		if err := os.WriteFile(filepath.Join(dir, split+".txt"), []byte(lines.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestExtend(t *testing.T) {
	live := torch.LiveTensors()
	model, run := tinyModel(t), filepath.Join(t.TempDir(), "run")
	var out strings.Builder
	args := []string{"-model", model, "-data", "notes:" + writeNotes(t), "-out", run, "-threads", "1"}
	if err := extend(context.Background(), args, &out); err != nil {
		t.Fatal(err)
	}
	var tuned int
	var accuracy float64
	const shown = "%d parameters of layer norms tuned, test accuracy %f\n"
	if _, err := fmt.Sscanf(out.String(), shown, &tuned, &accuracy); err != nil || tuned != 320 || accuracy < 0.85 {
		t.Errorf("%q: want 320 parameters and an accuracy above 0.85 (%v)", out.String(), err)
	}

	topic, err := task.Lookup(topicTask)
	if err != nil {
		t.Fatal(err)
	}
	inference, err := train.Open(context.Background(), train.Setup{
		Model: model, Adapter: filepath.Join(run, "adapter"), Task: topic, Device: "cpu", DType: "float32",
	})
	if err != nil {
		t.Fatal(err)
	}
	row, err := data.RowOf("a test", 0, map[string]any{"note": "cold wind rain storm cloud"})
	if err != nil {
		t.Fatal(err)
	}
	predictions, err := inference.Predict([]data.Row{row})
	if err != nil {
		t.Fatal(err)
	}
	if predictions[0].Label != "weather" {
		t.Errorf("predicted %+v", predictions[0])
	}
	inference.Close()
	if n := torch.LiveTensors(); n != live {
		t.Errorf("%d tensors were not freed", n-live)
	}
}

func TestDetachRestoresEveryBit(t *testing.T) {
	model, err := models.Load(tinyModel(t), models.Options{DType: torch.Float32, Device: torch.CPU, Labels: tiny.Labels})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	before, err := models.Fingerprint(model.Registry().Parameters())
	if err != nil {
		t.Fatal(err)
	}
	attached, err := pet.Attach(model, layerNorm{}, pet.Options{}, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range attached.Tuning.Params() {
		p.Leaf.Fill(0.5)
	}
	attached.Detach()
	after, err := models.Fingerprint(model.Registry().Parameters())
	if err != nil {
		t.Fatal(err)
	}
	if after != before {
		t.Error("the model is not what it was")
	}
}

func TestNotesThatAreNoNotes(t *testing.T) {
	dir := t.TempDir()
	if _, err := data.Open("notes:" + dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("an empty directory gives %v", err)
	}
	path := filepath.Join(dir, "train.txt")
	if err := os.WriteFile(path, []byte("weather: rain\nnothing\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := data.Open("notes:" + dir); err == nil || !strings.Contains(err.Error(), path+":2:") {
		t.Errorf("a line without topic gives %v", err)
	}
}
