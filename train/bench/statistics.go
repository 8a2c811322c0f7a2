package bench

import (
	"math"
	"slices"
)

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// medianRatio is the median of a[i]/b[i] and its 95 % interval: the order
// statistics that hold the median whatever the distribution (a sign test).
func medianRatio(a, b []float64) (float64, [2]float64) {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	slices.Sort(ratios)
	n := float64(len(ratios))
	low := int(math.Floor((n - 1.96*math.Sqrt(n)) / 2))
	low = max(low, 0)
	return median(ratios), [2]float64{ratios[low], ratios[len(ratios)-1-low]}
}
