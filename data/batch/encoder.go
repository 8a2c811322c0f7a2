package batch

import (
	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/task"
)

// An Encoder makes an Example of a row, whose number it need not set. It is
// called from several goroutines at once.
type Encoder func(row data.Row) (Example, error)

// A PairEncoder tokenises the two parts of an input; second is empty where the
// task has one part (its Pair method tells). It is called from several
// goroutines at once.
type PairEncoder func(first, second string) (ids, types []int32)

// A TextEncoder tokenises a text into at most maxLength tokens, the end of
// text included; 0 stands for no limit. It is called from several goroutines
// at once.
type TextEncoder func(text string, maxLength int) []int32

// HeadInput encodes the input for a model with a classification head, without
// the answer.
func HeadInput(t *task.Task, encode PairEncoder) Encoder {
	return func(row data.Row) (Example, error) {
		first, second, err := t.Text(row)
		if err != nil {
			return Example{}, err
		}
		ids, types := encode(first, second)
		return Example{IDs: ids, Types: types, Label: -1}, nil
	}
}

// ForHead encodes the input and the label for a model with a classification
// head.
func ForHead(t *task.Task, encode PairEncoder) Encoder {
	input := HeadInput(t, encode)
	return func(row data.Row) (Example, error) {
		e, err := input(row)
		if err != nil {
			return Example{}, err
		}
		label, err := t.Label(row)
		e.Label = int32(label)
		return e, err
	}
}

// TextInput encodes the task's Source for a text-to-text model, cut at the end
// to maxSource tokens (0: not at all), without the answer.
func TextInput(t *task.Task, encode TextEncoder, maxSource int) Encoder {
	return func(row data.Row) (Example, error) {
		source, err := t.Source(row)
		if err != nil {
			return Example{}, err
		}
		return Example{IDs: encode(source, maxSource), Label: -1}, nil
	}
}

// ForText encodes the task's Source and its Target, cut to maxSource and
// maxTarget tokens (0: not at all), for a text-to-text model. Where the task
// has labels, Label is the class.
func ForText(t *task.Task, encode TextEncoder, maxSource, maxTarget int) Encoder {
	input := TextInput(t, encode, maxSource)
	return func(row data.Row) (Example, error) {
		e, err := input(row)
		if err != nil {
			return Example{}, err
		}
		if e.References, err = t.References(row); err != nil {
			return Example{}, err
		}
		e.Target = encode(e.References[0], maxTarget)
		if t.Generates() {
			return e, nil
		}
		label, err := t.Label(row)
		e.Label = int32(label)
		return e, err
	}
}
