package plan

import (
	"slices"

	"github.com/gopet-ml/gopet/models"
)

// Memory is what a run holds at its peak, in bytes.
type Memory struct {
	Weights     int64 `json:"weights"`     // of the model, head included
	Tuned       int64 `json:"tuned"`       // values, positions and base values kept beside the weights
	Gradients   int64 `json:"gradients"`   // of what is tuned
	Optimizer   int64 `json:"optimizer"`   // two moments, and master copies of a half-precision base
	Activations int64 `json:"activations"` // what a step holds besides when it holds most
	Libraries   int64 `json:"libraries"`   // code and buffers that the first step brings in
	Total       int64 `json:"total"`
	// Peak is the total less the weights: what gopet bench measures.
	Peak int64 `json:"peak"`
}

// libraries is what a first step adds to a process besides tensors: the code
// that it runs, buffers of the products' library, stacks of threads. Measured
// on Linux x86-64 with two threads.
const libraries = 30 << 20

// memoryOf is what a model, what it tunes and a step hold.
func memoryOf(model models.Model, t *tuned, step *tape) Memory {
	m := Memory{Libraries: libraries}
	m.states(model, t)
	m.Activations = max(step.peak()-m.Gradients, t.gradientCopies())
	m.Peak = m.Tuned + m.Gradients + m.Optimizer + m.Activations + m.Libraries
	m.Total = m.Weights + m.Peak
	return m
}

// states fills in what stays from one step to the next.
func (m *Memory) states(model models.Model, t *tuned) {
	for _, p := range model.Registry().Parameters() {
		m.Weights += p.NumEl() * int64(p.Tensor.DType().Size())
	}
	if len(t.masked) > 0 {
		m.Tuned = (index + float + int64(model.Registry().DType().Size())) * t.added
	} else {
		m.Tuned = float * t.added
	}
	m.Gradients, m.Optimizer = float*t.added, 2*float*t.added
	for p := range t.whole {
		size := int64(p.Tensor.DType().Size())
		m.Gradients += size * p.NumEl()
		m.Optimizer += 2 * float * p.NumEl()
		if size < float {
			m.Optimizer += float * p.NumEl() // a master copy
		}
		if t.keepsBase && !slices.Contains(model.Head(), p) {
			m.Tuned += size * p.NumEl()
		}
	}
}

// gradientCopies are those of half-precision gradients that the optimizer makes
// in its own.
func (t *tuned) gradientCopies() int64 {
	var bytes int64
	for p := range t.whole {
		if int64(p.Tensor.DType().Size()) < float {
			bytes += float * p.NumEl()
		}
	}
	return bytes
}
