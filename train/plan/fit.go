package plan

import "math"

// fit finds rates of 0 or more with the least sum of squared relative errors of
// the times that work took: coordinate descent, in which each rate in turn takes
// its best value given the others.
func fit(done []work, took []float64) work {
	const sweeps = 20000
	var rates, norms work
	rows := make([]work, len(done))
	residuals := make([]float64, len(done))
	for i, w := range done {
		residuals[i] = 1
		for k := range w {
			rows[i][k] = w[k] / took[i]
			norms[k] += rows[i][k] * rows[i][k]
		}
	}
	for range sweeps {
		moved := 0.0
		for k := range rates {
			if norms[k] == 0 {
				continue
			}
			slope := 0.0
			for i := range rows {
				slope += rows[i][k] * residuals[i]
			}
			step := math.Max(slope/norms[k], -rates[k])
			rates[k] += step
			for i := range rows {
				residuals[i] -= step * rows[i][k]
			}
			moved = math.Max(moved, math.Abs(step)*math.Sqrt(norms[k]))
		}
		if moved < 1e-9 {
			break
		}
	}
	return rates
}
