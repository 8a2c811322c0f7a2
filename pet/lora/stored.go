package lora

import (
	"fmt"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch/nn"
)

// stored lists the layers that an adapter updates, in the model's order.
func (c Config) stored(m pet.Model, tensors pet.Tensors) ([]*nn.Linear, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	layers, err := pet.ModulesIn(tensors, SuffixA, m.Registry().Linears(), func(l *nn.Linear) string { return l.Name })
	if err != nil {
		return nil, fmt.Errorf("lora: %w", err)
	}
	return layers, nil
}

// Restore attaches an adapter of this configuration.
func (c Config) Restore(m pet.Model, tensors pet.Tensors) (pet.Tuning, error) {
	layers, err := c.stored(m, tensors)
	if err != nil {
		return nil, err
	}
	leaves, err := pet.ReadLeaves(m, tensors, c.specs(layers))
	if err != nil {
		return nil, fmt.Errorf("lora: %w", err)
	}
	return hook(c, layers, leaves), nil
}
