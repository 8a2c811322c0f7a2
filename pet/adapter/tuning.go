package adapter

import (
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch/nn"
)

type tuning struct {
	pet.Leaves // four of each bottleneck
	config     Config
	sublayers  []*nn.Sublayer
}

// hook puts a bottleneck into each sublayer.
func hook(c Config, sublayers []*nn.Sublayer, leaves pet.Leaves) *tuning {
	for i, s := range sublayers {
		four := leaves[4*i:]
		b := bottleneck{down: four[0], downBias: four[1], up: four[2], upBias: four[3], activation: activations[c.Activation]}
		s.Override = placements[c.Placement].join(s, b)
	}
	return &tuning{Leaves: leaves, config: c, sublayers: sublayers}
}

func (t *tuning) Config() any { return t.config }

func (t *tuning) Detach() {
	for _, s := range t.sublayers {
		s.Override = nil
	}
	t.Leaves.Close()
	t.Leaves, t.sublayers = nil, nil
}
