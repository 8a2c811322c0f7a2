package task

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/column"
	"github.com/gopet-ml/gopet/internal/nearest"
)

// Bind returns the task joined to a data set: every split has the columns and
// holds rows, and Labels are settled. Labels of Classify that are not set are
// the class names in the data's metadata, or else the distinct values of the
// training split, which is read for it.
func (t *Task) Bind(ctx context.Context, d data.Dataset) (*Task, error) {
	bound := *t
	if err := bound.bind(ctx, d); err != nil {
		return nil, fmt.Errorf("task %q: %w", t.Name, err)
	}
	return &bound, nil
}

func (t *Task) bind(ctx context.Context, d data.Dataset) error {
	splits := d.Splits()
	if len(splits) == 0 {
		return errors.New("the data has no splits")
	}
	for _, s := range splits {
		if err := t.checkSplit(s); err != nil {
			return err
		}
	}
	if t.Generates() {
		return nil
	}
	return t.bindLabels(ctx, d)
}

func (t *Task) bindLabels(ctx context.Context, d data.Dataset) error {
	label, err := data.FindColumn(d.Splits()[0], t.LabelColumn)
	if err != nil {
		return err
	}
	if len(t.Labels) == 0 {
		t.Labels = label.Classes
	}
	if len(t.Labels) == 0 {
		if t.Labels, err = distinctLabels(ctx, d, t.LabelColumn); err != nil {
			return err
		}
	}
	if len(t.Labels) < 2 {
		return fmt.Errorf("column %q has the one label %q: there is nothing to tell apart", t.LabelColumn, t.Labels[0])
	}
	t.classes, err = t.indexClasses(label.Classes)
	return err
}

func (t *Task) checkSplit(s data.Split) error {
	if data.NumRows(s) == 0 {
		return fmt.Errorf("split %q is empty", s.Name())
	}
	for _, name := range t.TextColumns() {
		c, err := data.FindColumn(s, name)
		if err != nil {
			return err
		}
		if c.Kind != column.String {
			return fmt.Errorf("split %q: column %q is of type %s, not string", s.Name(), name, c.Kind)
		}
	}
	c, err := data.FindColumn(s, t.AnswerColumn())
	if err != nil {
		return err
	}
	switch {
	case t.Generates() && c.Kind != column.String && c.Kind != column.Strings:
		return fmt.Errorf("split %q: column %q is of type %s: targets are strings or lists of strings", s.Name(), c.Name, c.Kind)
	case !t.Generates() && c.Kind != column.Int && c.Kind != column.String:
		return fmt.Errorf("split %q: column %q is of type %s: labels are strings or ints", s.Name(), c.Name, c.Kind)
	}
	return nil
}

// A classIndex maps the labels a data file holds to places in Labels.
type classIndex struct {
	words   map[string]int
	numbers map[int64]int
}

// indexClasses maps words by what they say, numbers by their order. The
// numbers of Classify stand for what the data's class names or, without them,
// the labels themselves say, so that data whose classes are in another order
// than a model's agree with it.
func (t *Task) indexClasses(classes []string) (classIndex, error) {
	index := t.indexLabels()
	if t.Name != ClassifyName {
		return index, t.checkClasses(classes)
	}
	if classes == nil {
		index.readNumbers(t.Labels)
		return index, nil
	}
	clear(index.numbers)
	for number, class := range classes {
		i, known := index.words[class]
		if !known {
			return index, fmt.Errorf("column %q has a class %q that the model's labels lack; %s", t.LabelColumn, class, nearest.Hint(class, t.Labels))
		}
		index.numbers[int64(number)] = i
	}
	return index, nil
}

// indexLabels maps label words and their places to the places.
func (t *Task) indexLabels() classIndex {
	index := classIndex{words: map[string]int{}, numbers: map[int64]int{}}
	for i, label := range t.Labels {
		index.words[label] = i
		index.numbers[int64(i)] = i
	}
	return index
}

// checkClasses reports data whose metadata counts other classes than the task.
func (t *Task) checkClasses(classes []string) error {
	if classes != nil && len(classes) != len(t.Labels) {
		return fmt.Errorf("column %q has the %d classes %q, the task the %d labels %q",
			t.LabelColumn, len(classes), classes, len(t.Labels), t.Labels)
	}
	return nil
}

// readNumbers takes labels that are all numbers at their word.
func (x *classIndex) readNumbers(labels []string) {
	numbers := make([]int64, len(labels))
	for i, label := range labels {
		n, err := strconv.ParseInt(label, 10, 64)
		if err != nil || strconv.FormatInt(n, 10) != label {
			return
		}
		numbers[i] = n
	}
	clear(x.numbers)
	for i, n := range numbers {
		x.numbers[n] = i
	}
}

// Label returns the index in Labels of the row's label. A null and a value
// that stands for none of them are errors that name the file, the row and the
// value.
func (t *Task) Label(row data.Row) (int, error) {
	index := t.classes
	if index.words == nil { // neither registered nor bound
		index = t.indexLabels()
	}
	var label int
	var known bool
	switch v := row.Value(t.LabelColumn).(type) {
	case int64:
		if label, known = index.numbers[v]; !known {
			return 0, row.Errorf("label %d is not one of the %d classes of column %q: %s", v, len(t.Labels), t.LabelColumn, describe(t.Labels))
		}
	case string:
		if label, known = index.words[v]; !known {
			return 0, row.Errorf("label %q of column %q is unknown; %s", v, t.LabelColumn, nearest.Hint(v, t.Labels))
		}
	case nil:
		if !row.Has(t.LabelColumn) {
			return 0, row.Errorf("no column %q; %s", t.LabelColumn, nearest.Hint(t.LabelColumn, column.Names(row.Columns())))
		}
		return 0, row.Errorf("label column %q is null", t.LabelColumn)
	default:
		return 0, row.Errorf("label column %q holds %v, not a string or an int", t.LabelColumn, v)
	}
	return label, nil
}

// describe lists the first labels by their numbers.
func describe(labels []string) string {
	const enough = 8
	text := ""
	for i, label := range labels {
		if i == enough {
			return text + " ..."
		}
		if i > 0 {
			text += " "
		}
		text += fmt.Sprintf("%d=%s", i, label)
	}
	return text
}
