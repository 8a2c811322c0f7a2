package train

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// The states a run ends in.
const (
	StatusFinished    = "finished"
	StatusInterrupted = "interrupted"
	StatusFailed      = "failed"
)

// Result is result.json: how a run ended.
type Result struct {
	Model            string             `json:"model"`
	Task             string             `json:"task"`
	Method           string             `json:"method"`
	Trainable        Trainable          `json:"trainable"`
	BaseSize         int64              `json:"base_parameters"` // of the pretrained model
	Steps            int                `json:"steps"`
	Best             *Best              `json:"best"`      // nil before the first evaluation
	Test             map[string]float64 `json:"test"`      // nil without a test split
	Baselines        *Baselines         `json:"baselines"` // nil where they were not asked for
	TrainSeconds     float64            `json:"train_seconds"`
	SamplesPerSecond float64            `json:"samples_per_second"`
	PeakMemoryBytes  int64              `json:"peak_memory_bytes"`
	Status           string             `json:"status"`
	Error            string             `json:"error,omitempty"`

	// TestScores has the confusion matrix behind Test.
	TestScores *Scores `json:"-"`
}

// Best is the step that validation chose.
type Best struct {
	Step   int     `json:"step"`
	Metric string  `json:"metric"`
	Value  float64 `json:"value"`
	// Scores are all of that evaluation, by name.
	Scores map[string]float64 `json:"scores"`
}

// Share is the part of the pretrained weights that the method tunes.
func (r *Result) Share() float64 { return float64(r.Trainable.Method) / float64(r.BaseSize) }

// ReadResult reads the result.json of a run directory.
func ReadResult(run string) (*Result, error) {
	r := &Result{}
	err := readJSON(filepath.Join(run, resultFile), r)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no %s: not a run directory, or the run has not ended", run, resultFile)
	}
	return r, err
}
