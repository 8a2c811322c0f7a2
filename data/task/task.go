// Package task turns rows into what a model is asked and what it should
// answer: the tasks of "Exploring the Impact of Model Scaling on
// Parameter-Efficient Tuning" (arXiv 2306.02320) with the templates of its
// reference code, and Classify for any other labelled text. More are added
// with Register, from any module.
//
// A task is a description; Bind joins it to a data set, checks that the
// columns are there and settles what the labels are.
package task

import "github.com/gopet-ml/gopet/data"

// The types of task, within which tuned parameters transfer (the paper's
// section on transfer).
const (
	Sentiment         = "sentiment"
	Inference         = "inference"
	Paraphrase        = "paraphrase"
	QuestionAnswering = "question answering"
	Summarisation     = "summarisation"
	Classification    = "classification"
)

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
	// with Separator: an encoder with pairs takes them as a pair.
	First, Second Template
	// LabelColumn holds the class of a row, a number or a word; it is empty
	// where the task generates text.
	LabelColumn string
	// Labels are the label words in the order of the classes. A named task's
	// are the paper's, whatever names a data file gives the classes; those of
	// Classify are the data's, known once it is bound.
	Labels []string
	// TargetColumn holds the text to generate, or a list of texts any of which
	// will do; it is empty where the task tells classes.
	TargetColumn string
	// Metric is the one of Metrics that chooses among models.
	Metric string

	classes classIndex
}

// Generates reports whether the answer is text without bounds, not one of
// Labels.
func (t *Task) Generates() bool { return t.TargetColumn != "" }

// TextColumns returns the columns that the input is made of.
func (t *Task) TextColumns() []string {
	if t.Second.Column == "" {
		return []string{t.First.Column}
	}
	return []string{t.First.Column, t.Second.Column}
}

// AnswerColumn returns the column of the answer: LabelColumn or TargetColumn.
func (t *Task) AnswerColumn() string {
	if t.Generates() {
		return t.TargetColumn
	}
	return t.LabelColumn
}

// Columns returns the columns that training and scoring need: those of the
// text and that of the answer.
func (t *Task) Columns() []string { return append(t.TextColumns(), t.AnswerColumn()) }

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

// Render returns the input's parts and the index of the row's label in Labels,
// for a task with labels.
func (t *Task) Render(row data.Row) (first, second string, label int, err error) {
	if first, second, err = t.Text(row); err != nil {
		return "", "", 0, err
	}
	label, err = t.Label(row)
	return first, second, label, err
}
