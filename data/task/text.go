package task

import "github.com/gopet-ml/gopet/data"

// Separator joins the two parts of an input that is read as one text.
const Separator = " [SEP] "

// Source returns what a text-to-text model reads for the row: both parts of
// the input in the frame of the paper's reference code, "Input: A [SEP] B
// Output: ", which ends with a space. It needs no answer, so it serves
// prediction as well.
func (t *Task) Source(row data.Row) (string, error) {
	text, second, err := t.Text(row)
	if err != nil {
		return "", err
	}
	if t.Pair() {
		text += Separator + second
	}
	return "Input: " + text + " Output: ", nil
}

// Target returns what a text-to-text model should answer: the word of the
// row's label, or the first of its References.
func (t *Task) Target(row data.Row) (string, error) {
	references, err := t.References(row)
	if err != nil {
		return "", err
	}
	return references[0], nil
}

// References returns every answer that counts as right, at least one: the word
// of the row's label, the text of the target column, or all texts of its list.
// A null and an empty list are errors that name the file, the row and the
// column.
func (t *Task) References(row data.Row) ([]string, error) {
	if !t.Generates() {
		label, err := t.Label(row)
		if err != nil {
			return nil, err
		}
		return []string{t.Labels[label]}, nil
	}
	switch row.Value(t.TargetColumn).(type) {
	case nil:
		if row.Has(t.TargetColumn) {
			return nil, row.Errorf("target column %q is null", t.TargetColumn)
		}
	case string:
		text, err := row.Text(t.TargetColumn)
		return []string{text}, err
	}
	texts, err := row.Texts(t.TargetColumn)
	if err == nil && len(texts) == 0 {
		err = row.Errorf("target column %q has no texts", t.TargetColumn)
	}
	return texts, err
}
