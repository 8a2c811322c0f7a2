package optim

import (
	"fmt"
	"math"
)

// Schedule scales the learning rate over a run, as the schedulers of
// transformers with the same names do.
type Schedule struct {
	Kind   string // "linear", "constant" or "cosine"
	Warmup int    // steps over which the rate rises linearly from 0
	Steps  int    // of the whole run
}

// Validate reports an unknown kind or impossible numbers.
func (s Schedule) Validate() error {
	switch s.Kind {
	case "linear", "constant", "cosine":
	default:
		return fmt.Errorf("schedule %q: want linear, constant or cosine", s.Kind)
	}
	if s.Warmup < 0 || s.Warmup > s.Steps {
		return fmt.Errorf("warm-up of %d steps in a run of %d: want 0 to %d", s.Warmup, s.Steps, s.Steps)
	}
	return nil
}

// Factor is what the peak rate is multiplied by at a step, counted from 0.
func (s Schedule) Factor(step int) float64 {
	if step < s.Warmup {
		return float64(step) / float64(max(1, s.Warmup))
	}
	rest := float64(max(1, s.Steps-s.Warmup)) // steps after the warm-up
	switch s.Kind {
	case "linear":
		return math.Max(0, float64(s.Steps-step)/rest)
	case "cosine":
		return math.Max(0, 0.5*(1+math.Cos(math.Pi*float64(step-s.Warmup)/rest)))
	default:
		return 1
	}
}
