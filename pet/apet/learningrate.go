package apet

import "math"

// LearningRate is the peak rate used when none is given: 2e-2 at 20,000
// entries, falling with the fourth root of k, and never above 3e-2, the best
// for the head alone. docs/learning-rate.md has the sweep that it is drawn
// through. Fewer entries want a larger rate (Random Masking, arXiv
// 2405.02596).
func LearningRate(k int64) float64 {
	const reference, atReference, most = 20_000, 2e-2, 3e-2
	return math.Min(most, atReference*math.Pow(reference/float64(max(k, 1)), 0.25))
}
