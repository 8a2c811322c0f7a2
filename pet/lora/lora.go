// Package lora adds a product of two thin matrices to linear layers (Hu et
// al., 2021, arXiv 2106.09685): y = x W^T + b + alpha/rank (x A^T) B^T. The
// weights stay frozen and nothing of their size is made.
//
// Rank 8, alpha 16, queries and values of self-attention, and an update
// without dropout of its own are the settings of arXiv 2306.02320.
package lora

import (
	"encoding/json"
	"fmt"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch/nn"
)

func init() { pet.Register(method{}) }

type method struct{}

func (method) Name() string { return "lora" }

func (method) Summary() string {
	return "a low-rank update of linear layers, by default of self-attention's queries and values"
}

// LearningRate is the paper's.
func (method) LearningRate(int64) float64 { return 3e-4 }

// Dropout is the paper's, of the model; the update itself has none.
func (method) Dropout() float64 { return 0.1 }

// plan is what the options of a user come to.
func plan(m pet.Model, o pet.Options) (Config, []*nn.Linear, error) {
	c, err := configure(o)
	if err != nil {
		return c, nil, err
	}
	layers, err := targets(m, c.Targets)
	return c, layers, err
}

// Count is rank (in + out) for each layer.
func (method) Count(m pet.Model, o pet.Options) (int64, error) {
	c, layers, err := plan(m, o)
	return pet.CountEntries(c.specs(layers)), err
}

// Attach updates the layers of o.Targets.
func (method) Attach(m pet.Model, o pet.Options) (pet.Tuning, error) {
	c, layers, err := plan(m, o)
	if err != nil {
		return nil, err
	}
	return attach(m, c, o.Seed, layers)
}

// Specs describes the two matrices of a layer.
func Specs(o pet.Options, l *nn.Linear) ([]pet.TensorSpec, error) {
	c, err := configure(o)
	return c.specs([]*nn.Linear{l}), err
}

// AttachTo updates given layers, whatever o.Targets says.
func AttachTo(m pet.Model, o pet.Options, layers []*nn.Linear) (pet.Tuning, error) {
	c, err := configure(o)
	if err != nil {
		return nil, err
	}
	c.Targets = ""
	return attach(m, c, o.Seed, layers)
}

func attach(m pet.Model, c Config, seed uint64, layers []*nn.Linear) (pet.Tuning, error) {
	leaves, err := pet.NewLeaves(m, seed, c.specs(layers))
	if err != nil {
		return nil, err
	}
	return hook(c, layers, leaves), nil
}

func (method) Restore(m pet.Model, raw json.RawMessage, tensors pet.Tensors) (pet.Tuning, error) {
	c, err := parse(raw)
	if err != nil {
		return nil, err
	}
	return c.Restore(m, tensors)
}

func parse(raw json.RawMessage) (c Config, err error) {
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, fmt.Errorf("lora: adapter configuration: %w", err)
	}
	return c, nil
}
