package metrics

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/data/task"
)

type goldenCase struct {
	Name        string    `json:"name"`
	Classes     int       `json:"classes"`
	Predictions []int     `json:"predictions"`
	Labels      []int     `json:"labels"`
	Accuracy    float64   `json:"accuracy"`
	MacroF1     float64   `json:"macro_f1"`
	Matthews    float64   `json:"matthews_correlation"`
	Confusion   [][]int64 `json:"confusion"`
	Precision   []float64 `json:"precision"`
	Recall      []float64 `json:"recall"`
	F1          []float64 `json:"f1"`
	Support     []int64   `json:"support"`
}

func near(t *testing.T, what string, want, got float64) {
	t.Helper()
	if !(math.Abs(want-got) <= 1e-14) {
		t.Errorf("%s: got %v, scikit-learn has %v", what, got, want)
	}
}

func TestEqualsScikitLearn(t *testing.T) {
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, golden := range cases {
		t.Run(golden.Name, func(t *testing.T) {
			c := NewClassification(golden.Classes)
			for i, label := range golden.Labels {
				c.Add(golden.Predictions[i], label)
			}
			for name, want := range map[string]float64{
				task.Accuracy:            golden.Accuracy,
				task.MacroF1:             golden.MacroF1,
				task.MatthewsCorrelation: golden.Matthews,
			} {
				got, err := c.Value(name)
				if err != nil {
					t.Fatal(err)
				}
				near(t, name, want, got)
			}
			if diff := cmp.Diff(golden.Confusion, c.Confusion()); diff != "" {
				t.Errorf("confusion (-want +got):\n%s", diff)
			}
			for i, class := range c.Classes() {
				near(t, "precision", golden.Precision[i], class.Precision)
				near(t, "recall", golden.Recall[i], class.Recall)
				near(t, "F1", golden.F1[i], class.F1)
				if class.Support != golden.Support[i] {
					t.Errorf("support of class %d: got %d, want %d", i, class.Support, golden.Support[i])
				}
			}
			if c.Rows() != int64(len(golden.Labels)) {
				t.Errorf("got %d rows, want %d", c.Rows(), len(golden.Labels))
			}
		})
	}
}

func TestNoRowsScoreZero(t *testing.T) {
	c := NewClassification(3)
	for _, name := range ByHead.Names() {
		if got, err := c.Value(name); err != nil || got != 0 {
			t.Errorf("%s: got %v, %v, want 0", name, got, err)
		}
	}
	if got := c.Majority(); got != 0 {
		t.Errorf("majority: got %v, want 0", got)
	}
}

func TestBaselines(t *testing.T) {
	c := NewClassification(4)
	for _, label := range []int{2, 2, 0, 2, 1} {
		c.Add(3, label)
	}
	if got := c.RandomGuess(); got != 0.25 {
		t.Errorf("random guess: got %v, want 0.25", got)
	}
	if got := c.Majority(); got != 0.6 {
		t.Errorf("majority: got %v, want 0.6", got)
	}
}
