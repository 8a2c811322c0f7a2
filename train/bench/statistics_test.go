package bench

import (
	"math"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1}, 5}, {[]float64{5, 1, 100}, 5}, {[]float64{4, 1, 2, 3}, 2.5}} {
		near(t, median(test.values), test.want)
	}
}

// The interval of a median of 30 is that between the 10th and the 21st.
func TestMedianRatioAndItsInterval(t *testing.T) {
	a, b := make([]float64, 30), make([]float64, 30)
	for i := range a {
		b[i] = float64(1 + i%4)
		a[i] = b[i] * float64(30-i) // ratios 1 to 30, whatever the pairs
	}
	ratio, interval := medianRatio(a, b)
	near(t, ratio, 15.5)
	near(t, interval[0], 10)
	near(t, interval[1], 21)

	ratio, interval = medianRatio([]float64{6}, []float64{3})
	near(t, ratio, 2)
	near(t, interval[0], 2)
	near(t, interval[1], 2)
}

// Two batches of three turns each: the medians are 2 and 20.
func TestTotalIsOfMedians(t *testing.T) {
	m := &measurement{options: Options{Data: "rows", Steps: 2}}
	near(t, m.total(&contender{seconds: []float64{9, 20, 1, 21, 2, 3}}), 22)
}

// A peer whose rows are grouped has other batches, so its time is compared as a
// whole.
func TestRatioOfOtherBatchesIsThatOfTotals(t *testing.T) {
	m := &measurement{options: Options{Data: "rows", Steps: 2}}
	ours := &contender{seconds: []float64{1, 2, 1, 2, 1, 2}}
	grouped := &contender{job: job{Grouped: true}, seconds: []float64{4, 5, 4, 5, 4, 5}}
	ratio, interval := m.ratio(grouped, ours)
	near(t, ratio, 3)
	if interval != [2]float64{} {
		t.Errorf("interval %g", interval)
	}
	ratio, _ = m.ratio(&contender{seconds: []float64{4, 5, 4, 5, 4, 5}}, ours)
	near(t, ratio, 3.25)
}

// Turns of one batch are not pairs of their own: here three batches of two.
func TestRatiosOfRealRowsAreByBatch(t *testing.T) {
	m := &measurement{options: Options{Data: "rows", Steps: 3}}
	ours := &contender{seconds: []float64{1, 1, 1, 1, 1, 1}}
	ratio, interval := m.ratio(&contender{seconds: []float64{2, 3, 4, 4, 5, 6}}, ours)
	near(t, ratio, 4)
	near(t, interval[0], 3)
	near(t, interval[1], 5)
}

func near(t *testing.T, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Abs(want) {
		t.Errorf("%g, want %g", got, want)
	}
}
