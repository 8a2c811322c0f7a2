// Package metrics scores what models answer.
//
// Classes are scored by accuracy, macro F1, Matthews correlation, the
// confusion matrix and a per-class table. Values equal scikit-learn's with
// zero_division=0: a ratio whose denominator is zero, such as the precision of
// a class that is never predicted, is 0, and so is every score of no rows at
// all.
//
// Texts are scored by SQuAD's exact match and F1 and by ROUGE-L. Values are
// the means over rows of what the official script of SQuAD 1.1 and Google's
// rouge_score compute for each, between 0 and 1. Hugging Face's evaluate wraps
// the same two; it gives SQuAD's in percent and, for ROUGE's mean, the median
// of the means of random resamples.
//
// The names of metrics are package task's. What can be scored depends on the
// Kind of answer; there is a Scorer for each.
package metrics

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/data/task"
	"github.com/gopet-ml/gopet/internal/nearest"
)

// A Kind is a way of answering, on which it depends what can be scored.
type Kind int

const (
	// ByHead tells a class by a classification head.
	ByHead Kind = iota
	// ByWords tells a class by its label word: the likeliest of them all, and
	// beside that whatever the model generates.
	ByWords
	// FreeText generates text without bounds.
	FreeText
)

// KindOf returns how models answer on a task: those that turn text to text, or
// those with a classification head. The latter have no answer on a task that
// generates.
func KindOf(t *task.Task, textToText bool) Kind {
	switch {
	case t.Generates():
		return FreeText
	case textToText:
		return ByWords
	default:
		return ByHead
	}
}

// String names the kind in messages.
func (k Kind) String() string {
	switch k {
	case ByWords:
		return "answers by label words"
	case FreeText:
		return "generated text"
	default:
		return "answers by a classification head"
	}
}

// Names returns the metrics of a kind, in the order in which they are shown.
func (k Kind) Names() []string {
	switch k {
	case ByWords:
		return append(ByHead.Names(), task.ExactMatch)
	case FreeText:
		return []string{task.ExactMatch, task.F1, task.RougeL}
	default:
		return []string{task.Accuracy, task.MacroF1, task.MatthewsCorrelation}
	}
}

// Names returns all metrics there are, in the order in which they are shown.
// Of each, more is better.
func Names() []string { return append(ByHead.Names(), FreeText.Names()...) }

// Check returns an error where there is no metric of that name, which suggests
// the nearest one, or where it does not score answers of the kind, which lists
// those that do.
func Check(name string, kind Kind) error {
	switch {
	case slices.Contains(kind.Names(), name):
		return nil
	case slices.Contains(Names(), name):
		return fmt.Errorf("metric %q does not score %s: these do: %s", name, kind, strings.Join(kind.Names(), ", "))
	default:
		return fmt.Errorf("unknown metric %q; %s", name, nearest.Hint(name, kind.Names()))
	}
}

// A Scorer collects answers and scores them. It is for one goroutine at a
// time.
type Scorer interface {
	// Kind decides which metrics Value knows.
	Kind() Kind
	// Rows is the number of answers.
	Rows() int64
	// Value computes a metric; one that is not among the kind's is Check's
	// error.
	Value(name string) (float64, error)
	// RandomGuess is what to expect of answering at random.
	RandomGuess() float64
	// Majority is what always giving the most frequent answer comes to.
	Majority() float64
}

// Values are all metrics of a scorer by name.
func Values(s Scorer) map[string]float64 {
	values := map[string]float64{}
	for _, name := range s.Kind().Names() {
		if value, err := s.Value(name); err == nil {
			values[name] = value
		}
	}
	return values
}
