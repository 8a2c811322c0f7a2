package apet

import "math"

// LearningRate is the peak rate used when none is given. Fewer entries need a
// larger one (Random Masking, arXiv 2405.02596).
func LearningRate(k int64) float64 {
	return 5e-3 * math.Pow(20_000/float64(max(k, 100)), 0.25)
}
