package task

import "slices"

// The names of the metrics, which package train/metrics computes. Of each,
// more is better.
const (
	Accuracy            = "accuracy"             // share of rows whose class is told
	MacroF1             = "macro_f1"             // mean F1 of the classes
	MatthewsCorrelation = "matthews_correlation" // of told and true classes
	ExactMatch          = "exact_match"          // share of texts that say the answer
	F1                  = "f1"                   // words shared with the answer, SQuAD's
	RougeL              = "rouge_l"              // longest common subsequence of words
)

var (
	classMetrics = []string{Accuracy, MacroF1, MatthewsCorrelation}
	textMetrics  = []string{ExactMatch, F1, RougeL}
)

// Metrics returns the metrics that every model is scored by on the task, in
// the order in which they are shown. A text-to-text model has ExactMatch on
// tasks with labels as well, for it may generate something else.
func (t *Task) Metrics() []string {
	if t.Generates() {
		return slices.Clone(textMetrics)
	}
	return slices.Clone(classMetrics)
}
