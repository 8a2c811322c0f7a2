package metrics

// Class scores one class against all others.
type Class struct {
	Precision float64 // share of the rows predicted as this class that are of it
	Recall    float64 // share of the rows of this class that are predicted as it
	F1        float64 // harmonic mean of the two
	Support   int64   // rows of this class
	Predicted int64   // rows predicted as this class
}

// Classes scores every class, in class order.
func (c *Classification) Classes() []Class {
	classes := make([]Class, len(c.confusion))
	for label, row := range c.confusion {
		for prediction, count := range row {
			classes[label].Support += count
			classes[prediction].Predicted += count
		}
	}
	for i := range classes {
		class, hits := &classes[i], c.confusion[i][i]
		class.Precision = ratio(hits, class.Predicted)
		class.Recall = ratio(hits, class.Support)
		class.F1 = ratio(2*hits, class.Predicted+class.Support)
	}
	return classes
}
