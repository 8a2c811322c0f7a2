package train

import "time"

// Observer is told how a run goes, from the goroutine that called [Run]. It
// should return soon.
type Observer interface {
	// Downloading comes first, while a model or a data set comes from the
	// Hub: bytes done, of how many; the total may grow.
	Downloading(name string, done, total int64)
	// Started comes once, when everything is loaded and the first step is next.
	Started(Start)
	// Stepped comes after every step.
	Stepped(Step)
	// Evaluating comes while a split is scored: rows done, of how many.
	Evaluating(split string, done, total int64)
	// Evaluated comes after every evaluation.
	Evaluated(Evaluation)
	// Measuring comes last, while the baselines are measured: rows or steps
	// done, of how many.
	Measuring(what string, done, total int64)
}

// Start is what is known before the first step.
type Start struct {
	Config    Config
	Steps     int // of the whole run
	From      int // steps made before: 0 unless resumed
	Trainable Trainable
	BaseSize  int64    // parameters of the pretrained model
	LR        float64  // the peak
	Device    string   // where it computes
	Warnings  []string // remarks of loading, a line each
}

// Trainable counts tuned parameters.
type Trainable struct {
	Method int64 `json:"method"`
	Head   int64 `json:"head"`
}

// Step is what one optimizer step did.
type Step struct {
	Step             int // from 1
	Loss             float64
	LR               float64
	GradNorm         float64 // before clipping
	Skipped          bool    // the gradients were not finite: nothing was changed
	Rows             int
	Tokens           int64
	SamplesPerSecond float64 // over the training time so far
}

// Evaluation is the score of a split at a step.
type Evaluation struct {
	Step     int
	Split    string
	Scores   *Scores
	Best     bool // the best validation so far
	Duration time.Duration
}
