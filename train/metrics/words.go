package metrics

import (
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/data/task"
)

// LabelWords collects the answers of a text-to-text model on a task with
// labels: the label word that it ranks first, which Classification scores, and
// the text that it generates, which is right where it is the label word.
type LabelWords struct {
	*Classification
	words []string
	exact int64
}

// NewLabelWords starts an empty collection over label words in class order.
func NewLabelWords(words []string) *LabelWords {
	return &LabelWords{Classification: NewClassification(len(words)), words: slices.Clone(words)}
}

// Add counts one row: the class whose word is the likeliest, the right class,
// and the generated text, from which space at both ends is taken. Like an
// index, a class outside the range panics.
func (w *LabelWords) Add(ranked, label int, generated string) {
	w.Classification.Add(ranked, label)
	if strings.TrimFunc(generated, isSpace) == w.words[label] {
		w.exact++
	}
}

// Kind is ByWords.
func (w *LabelWords) Kind() Kind { return ByWords }

// ExactMatch is the share of rows whose generated text is the label word: the
// accuracy of a model that may say anything.
func (w *LabelWords) ExactMatch() float64 { return ratio(w.exact, w.Rows()) }

// Value computes the metric of that name; one that is not among the kind's is
// Check's error.
func (w *LabelWords) Value(name string) (float64, error) {
	if name == task.ExactMatch {
		return w.ExactMatch(), nil
	}
	if err := Check(name, ByWords); err != nil {
		return 0, err
	}
	return w.Classification.Value(name)
}
