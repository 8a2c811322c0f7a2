package adapter

import (
	"fmt"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch/nn"
)

// stored lists the sublayers that have a bottleneck in an adapter, in the
// model's order.
func (c Config) stored(m pet.Model, tensors pet.Tensors) ([]*nn.Sublayer, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	sublayers, err := pet.ModulesIn(tensors, SuffixDown, m.Registry().Sublayers(), func(s *nn.Sublayer) string { return s.Name })
	if err != nil {
		return nil, fmt.Errorf("adapter: %w", err)
	}
	return sublayers, nil
}

// Restore attaches an adapter of this configuration.
func (c Config) Restore(m pet.Model, tensors pet.Tensors) (pet.Tuning, error) {
	sublayers, err := c.stored(m, tensors)
	if err != nil {
		return nil, err
	}
	leaves, err := pet.ReadLeaves(m, tensors, c.specs(sublayers, nil))
	if err != nil {
		return nil, fmt.Errorf("adapter: %w", err)
	}
	return hook(c, sublayers, leaves), nil
}
