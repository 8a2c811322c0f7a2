// Package task turns rows into what a model is asked and what it should
// answer: the tasks of "Exploring the Impact of Model Scaling on
// Parameter-Efficient Tuning" (arXiv 2306.02320) with the templates of its
// reference code, and Classify for any other labelled text. More are added
// with Register, from any module.
//
// A task is a description; Bind joins it to a data set, checks that the
// columns are there and settles what the labels are.
package task

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/internal/nearest"
)

// The types of task, within which tuned parameters transfer (the paper's
// section on transfer).
const (
	Sentiment      = "sentiment"
	Inference      = "inference"
	Paraphrase     = "paraphrase"
	Classification = "classification"
)

// Accuracy is the metric of all classification tasks here.
const Accuracy = "accuracy"

// A Template renders one column of a row as text: Prefix and the column's
// value. The zero Template renders nothing.
type Template struct {
	Prefix string
	Column string
}

// A Task says how a row is put to a model. It is not changed once registered
// or bound, so goroutines may share it.
type Task struct {
	Name string
	Type string
	// First and Second are the two parts of the input. Second is the zero
	// Template where there is but one part. The paper's templates join them
	// with " [SEP] ": an encoder with pairs takes them as a pair.
	First, Second Template
	LabelColumn   string
	// Labels are the label words in the order of the classes. A named task's
	// are the paper's, whatever names a data file gives the classes; those of
	// Classify are the data's, known once it is bound.
	Labels []string
	Metric string

	classes classIndex
}

var registry = struct {
	sync.RWMutex
	tasks map[string]*Task
}{tasks: map[string]*Task{}}

// Register adds a task under its name. It panics if the task has no name, no
// columns or no labels, or if the name is taken, as registering is done by a
// package's init.
func Register(t *Task) {
	registry.Lock()
	defer registry.Unlock()
	if t.Name == "" || t.First.Column == "" || t.LabelColumn == "" || len(t.Labels) < 2 {
		panic(fmt.Sprintf("task: %q needs a name, a column, a label column and two labels", t.Name))
	}
	if _, taken := registry.tasks[t.Name]; taken || t.Name == ClassifyName {
		panic(fmt.Sprintf("task: %q is registered twice", t.Name))
	}
	t.classes = t.indexLabels()
	registry.tasks[t.Name] = t
}

// Lookup returns the registered task of that name. The error for an unknown
// name suggests the nearest one.
func Lookup(name string) (*Task, error) {
	registry.RLock()
	t, ok := registry.tasks[name]
	registry.RUnlock()
	switch {
	case ok:
		return t, nil
	case name == ClassifyName:
		return nil, fmt.Errorf("task %q needs to know its columns: the texts and the label", name)
	default:
		return nil, fmt.Errorf("unknown task %q; %s", name, nearest.Hint(name, append(Names(), ClassifyName)))
	}
}

// Names returns the names of the registered tasks, sorted.
func Names() []string {
	registry.RLock()
	defer registry.RUnlock()
	return slices.Sorted(maps.Keys(registry.tasks))
}

// TextColumns returns the columns that the input is made of.
func (t *Task) TextColumns() []string {
	if t.Second.Column == "" {
		return []string{t.First.Column}
	}
	return []string{t.First.Column, t.Second.Column}
}

// Columns returns the columns that Render needs: the texts and the label.
func (t *Task) Columns() []string { return append(t.TextColumns(), t.LabelColumn) }

// Text renders the two parts of the input; the second is empty in a task with
// one. It needs no label, so it serves prediction as well.
func (t *Task) Text(row data.Row) (first, second string, err error) {
	if first, err = t.First.render(row); err != nil {
		return "", "", err
	}
	second, err = t.Second.render(row)
	return first, second, err
}

func (p Template) render(row data.Row) (string, error) {
	if p.Column == "" {
		return "", nil
	}
	text, err := row.Text(p.Column)
	if err != nil {
		return "", err
	}
	return p.Prefix + text, nil
}

// Pair reports whether the input has two parts.
func (t *Task) Pair() bool { return t.Second.Column != "" }

// Render returns the input's parts and the index of the row's label in Labels.
func (t *Task) Render(row data.Row) (first, second string, label int, err error) {
	if first, second, err = t.Text(row); err != nil {
		return "", "", 0, err
	}
	label, err = t.Label(row)
	return first, second, label, err
}
