package task

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/column"
)

// ClassifyName is the name of the generic task that Classify makes.
const ClassifyName = "classify"

// Classify returns the task of telling the label of one text, or of a pair,
// given verbatim. Bind finds the labels; a model that knows its labels already
// sets them with WithLabels.
func Classify(textColumns []string, labelColumn string) (*Task, error) {
	if len(textColumns) < 1 || len(textColumns) > 2 || slices.Contains(textColumns, "") {
		return nil, fmt.Errorf("task %q takes the names of one or two text columns, not %q", ClassifyName, textColumns)
	}
	if labelColumn == "" {
		return nil, fmt.Errorf("task %q needs the name of the label column", ClassifyName)
	}
	t := &Task{
		Name: ClassifyName, Type: Classification, Metric: Accuracy,
		First:       Template{Column: textColumns[0]},
		LabelColumn: labelColumn,
	}
	if len(textColumns) == 2 {
		t.Second = Template{Column: textColumns[1]}
	}
	return t, nil
}

// WithLabels returns the task with label words in the order of a model's
// classes.
func (t *Task) WithLabels(labels []string) *Task {
	labelled := *t
	labelled.Labels = slices.Clone(labels)
	return &labelled
}

// maxClasses keeps a column of free text or of numbers from being taken for
// labels.
const maxClasses = 10_000

// distinctLabels reads a column of the training split and returns its values
// as label words: integers in their order, strings sorted.
func distinctLabels(ctx context.Context, d data.Dataset, name string) ([]string, error) {
	split, err := data.FindSplit(d, data.Train)
	if err != nil {
		return nil, fmt.Errorf("labels of column %q: %w", name, err)
	}
	schema, err := data.FindColumn(split, name)
	if err != nil {
		return nil, err
	}
	if schema.Kind != column.String && schema.Kind != column.Int {
		return nil, fmt.Errorf("column %q is of type %s: labels are strings or ints", name, schema.Kind)
	}
	r, err := data.NewReader(split, data.Order{Columns: []string{name}}, 0)
	if err != nil {
		return nil, err
	}
	words, numbers := map[string]bool{}, map[int64]bool{}
	for {
		row, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return sortedLabels(words, numbers), nil
		}
		if err != nil {
			return nil, err
		}
		switch v := row.Value(name).(type) {
		case string:
			words[v] = true
		case int64:
			numbers[v] = true
		default:
			return nil, row.Errorf("label column %q is null", name)
		}
		if len(words)+len(numbers) > maxClasses {
			return nil, fmt.Errorf("column %q has more than %d different values: it does not hold labels", name, maxClasses)
		}
	}
}

func sortedLabels(words map[string]bool, numbers map[int64]bool) []string {
	labels := make([]string, 0, len(words)+len(numbers))
	for word := range words {
		labels = append(labels, word)
	}
	slices.Sort(labels)
	ordered := make([]int64, 0, len(numbers))
	for number := range numbers {
		ordered = append(ordered, number)
	}
	slices.Sort(ordered)
	for _, number := range ordered {
		labels = append(labels, strconv.FormatInt(number, 10))
	}
	return labels
}
