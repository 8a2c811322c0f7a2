package batch

// OfExamples makes one batch of examples in their order.
func OfExamples(examples []Example, padID int32) *Batch { return newBatch(examples, padID) }
