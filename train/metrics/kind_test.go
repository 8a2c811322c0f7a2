package metrics

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/data/task"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name string
		kind Kind
		want string
	}{
		{"acuracy", ByHead, `unknown metric "acuracy"; did you mean "accuracy"?`},
		{"rougeL", FreeText, `unknown metric "rougeL"; did you mean "rouge_l"?`},
		{"bleu", FreeText, `unknown metric "bleu"; there are: exact_match, f1, rouge_l`},
		{"rouge_l", ByHead, `metric "rouge_l" does not score answers by a classification head: these do: accuracy, macro_f1, matthews_correlation`},
		{"exact_match", ByHead, `metric "exact_match" does not score answers by a classification head: these do: accuracy, macro_f1, matthews_correlation`},
		{"f1", ByWords, `metric "f1" does not score answers by label words: these do: accuracy, macro_f1, matthews_correlation, exact_match`},
		{"accuracy", FreeText, `metric "accuracy" does not score generated text: these do: exact_match, f1, rouge_l`},
	} {
		if err := Check(c.name, c.kind); err == nil || err.Error() != c.want {
			t.Errorf("%s: error\n%v, want\n%s", c.name, err, c.want)
		}
		if _, err := scorer(c.kind).Value(c.name); err == nil || err.Error() != c.want {
			t.Errorf("value of %s: error\n%v, want\n%s", c.name, err, c.want)
		}
	}
}

func scorer(k Kind) Scorer {
	switch k {
	case ByWords:
		return NewLabelWords([]string{"no", "yes"})
	case FreeText:
		return NewGeneration()
	default:
		return NewClassification(2)
	}
}

// Every metric of a kind has a value, and every kind's are among all.
func TestNamesOfKinds(t *testing.T) {
	for _, kind := range []Kind{ByHead, ByWords, FreeText} {
		s := scorer(kind)
		if s.Kind() != kind {
			t.Errorf("the scorer of kind %v says %v", kind, s.Kind())
		}
		for _, name := range kind.Names() {
			if err := Check(name, kind); err != nil {
				t.Error(err)
			}
			if value, err := s.Value(name); err != nil || value != 0 {
				t.Errorf("%s of no rows: %v, %v", name, value, err)
			}
			if !slices.Contains(Names(), name) {
				t.Errorf("%s is not among all names", name)
			}
		}
	}
}

// Package task, which says what a task is scored by, and this one agree.
func TestKindOfTasks(t *testing.T) {
	for _, info := range task.List() {
		described, err := task.Lookup(info.Name)
		if err != nil {
			t.Fatal(err)
		}
		kind, textToText := KindOf(described, false), KindOf(described, true)
		if described.Generates() != (kind == FreeText) || described.Generates() != (textToText == FreeText) {
			t.Errorf("%s: kinds %v and %v", info.Name, kind, textToText)
		}
		if diff := cmp.Diff(kind.Names(), info.Metrics); diff != "" {
			t.Errorf("%s: metrics (-want +got):\n%s", info.Name, diff)
		}
		for _, k := range []Kind{kind, textToText} {
			if err := Check(described.Metric, k); err != nil {
				t.Errorf("%s: %v", info.Name, err)
			}
		}
	}
}
