package batch

// OfExamples makes one batch of examples in their order.
func OfExamples(examples []Example) *Batch { return newBatch(examples) }
