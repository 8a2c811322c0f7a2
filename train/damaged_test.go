package train

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/task"
	"github.com/gopet-ml/gopet/internal/torchtest"
)

// A model whose answers are not numbers answers nothing, and ends no process.
func TestAnswersThatAreNoNumbersAreErrors(t *testing.T) {
	torchtest.NoLeaks(t)
	classify, err := task.Classify([]string{"text"}, "kind")
	if err != nil {
		t.Fatal(err)
	}
	dataset, err := data.Open(testData(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, model := range map[string]string{"head": testModel(t), "text": textModel(t)} {
		setup := Setup{Model: model, Task: classify, Dataset: dataset, Device: "cpu", DType: "float32", Threads: 1}
		inference, err := open(t.Context(), setup, true)
		if err != nil {
			t.Fatal(err)
		}
		defer inference.Close()
		if err := inference.settleLengths(setup); err != nil {
			t.Fatal(err)
		}
		inference.Model.Registry().LayerNorms()[0].Weight.Tensor.Fill(math.NaN())
		row, err := data.RowOf("memory", 7, map[string]any{"text": "red"})
		if err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"predict":  second(inference.Predict([]data.Row{row})),
			"evaluate": second(inference.Evaluate(t.Context(), dataset.Splits()[0], nil)),
		} {
			if err == nil || !strings.Contains(err.Error(), "is not a number") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, %s: error %v", name, what, err)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

// A run none of whose steps changed anything has failed, however short it was.
func TestARunThatTunesNothingFails(t *testing.T) {
	torchtest.NoLeaks(t)
	c := testConfig(t)
	c.LR, c.Schedule, c.Clip, c.Steps, c.Baselines = 1e38, "constant", 0, 3, false
	_, err := Run(t.Context(), c, nil)
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Fatalf("error %v", err)
	}
	if result, err := ReadResult(filepath.Clean(c.Out)); err != nil || result.Status != StatusFailed || result.Error == "" {
		t.Errorf("result %+v (%v)", result, err)
	}
}
