package metrics

import (
	"math"
	"slices"

	"github.com/gopet-ml/gopet/data/task"
)

// Classification collects predictions row by row, in memory that depends on
// the number of classes alone. It is for one goroutine at a time.
type Classification struct {
	confusion [][]int64 // [label][prediction]
	rows      int64
}

// NewClassification starts an empty collection over classes 0 to classes-1.
func NewClassification(classes int) *Classification {
	c := &Classification{confusion: make([][]int64, classes)}
	for i := range c.confusion {
		c.confusion[i] = make([]int64, classes)
	}
	return c
}

// Add counts one row. Like an index, a class outside the range panics.
func (c *Classification) Add(prediction, label int) {
	c.confusion[label][prediction]++
	c.rows++
}

// Rows is the number of rows added.
func (c *Classification) Rows() int64 { return c.rows }

// Confusion returns a copy of the counts, by label and then by prediction.
func (c *Classification) Confusion() [][]int64 {
	matrix := make([][]int64, len(c.confusion))
	for i, row := range c.confusion {
		matrix[i] = slices.Clone(row)
	}
	return matrix
}

// Kind is ByHead.
func (c *Classification) Kind() Kind { return ByHead }

// Value computes the metric of that name; one that is not among the kind's is
// Check's error.
func (c *Classification) Value(name string) (float64, error) {
	switch name {
	case task.Accuracy:
		return c.Accuracy(), nil
	case task.MacroF1:
		return c.MacroF1(), nil
	case task.MatthewsCorrelation:
		return c.MatthewsCorrelation(), nil
	default:
		return 0, Check(name, ByHead)
	}
}

// Accuracy is the share of rows whose prediction is the label.
func (c *Classification) Accuracy() float64 { return ratio(c.correct(), c.rows) }

// MacroF1 is the mean F1 of the classes that occur, as label or as prediction.
func (c *Classification) MacroF1() float64 {
	sum, occurring := 0.0, 0
	for _, class := range c.Classes() {
		if class.Support+class.Predicted > 0 {
			sum += class.F1
			occurring++
		}
	}
	if occurring == 0 {
		return 0
	}
	return sum / float64(occurring)
}

// MatthewsCorrelation is the correlation of prediction and label, from -1 to 1,
// 0 for guessing however lopsided the classes are (Gorodkin 2004 for more than
// two classes).
func (c *Classification) MatthewsCorrelation() float64 {
	rows := float64(c.rows)
	squared := rows * rows
	joint, ofLabels, ofPredictions := rows*float64(c.correct()), squared, squared
	for _, class := range c.Classes() {
		label, predicted := float64(class.Support), float64(class.Predicted)
		joint -= label * predicted
		ofLabels -= label * label
		ofPredictions -= predicted * predicted
	}
	if ofLabels == 0 || ofPredictions == 0 {
		return 0
	}
	return joint / math.Sqrt(ofLabels*ofPredictions)
}

// RandomGuess is the accuracy to expect of guessing every class alike.
func (c *Classification) RandomGuess() float64 { return ratio(1, int64(len(c.confusion))) }

// Majority is the accuracy of always predicting the most frequent label.
func (c *Classification) Majority() float64 {
	most := int64(0)
	for _, class := range c.Classes() {
		most = max(most, class.Support)
	}
	return ratio(most, c.rows)
}

func (c *Classification) correct() int64 {
	sum := int64(0)
	for i := range c.confusion {
		sum += c.confusion[i][i]
	}
	return sum
}

func ratio(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
