// Package adapter puts bottlenecks into a model (Houlsby et al., 2019, arXiv
// 1902.00751): h + W_up f(W_down h + b_down) + b_up.
//
// A width of 24, f = gelu_new, and one bottleneck behind self-attention and one
// behind the feed-forward layers of every encoder and decoder layer, none
// behind cross-attention, are the settings of arXiv 2306.02320. Weights start
// from a normal distribution of standard deviation 0.01 and biases from zero,
// as OpenDelta's, whose adapters that paper uses; with Options.Init "zero" the
// up-projection starts from zero too, and the model computes what it did.
package adapter

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch/nn"
)

func init() { pet.Register(method{}) }

type method struct{}

func (method) Name() string { return "adapter" }

func (method) Summary() string {
	return "bottlenecks after self-attention and after the feed-forward layers"
}

// LearningRate is the paper's.
func (method) LearningRate(int64) float64 { return 3e-4 }

// Dropout is the paper's.
func (method) Dropout() float64 { return 0.1 }

// plan is what the options of a user come to.
func plan(m pet.Model, o pet.Options) (Config, []*nn.Sublayer, error) {
	c, err := configure(o)
	if err != nil {
		return c, nil, err
	}
	var sublayers []*nn.Sublayer
	for _, s := range m.Registry().Sublayers() {
		if slices.Contains(placements[c.Placement].roles, s.Role) {
			sublayers = append(sublayers, s)
		}
	}
	if len(sublayers) == 0 {
		return c, nil, errors.New("adapter: the model has no place for a bottleneck")
	}
	return c, sublayers, nil
}

// Count is 2 bottleneck dim + bottleneck + dim for each bottleneck.
func (method) Count(m pet.Model, o pet.Options) (int64, error) {
	c, sublayers, err := plan(m, o)
	return pet.CountEntries(c.specs(sublayers, nil)), err
}

// Attach puts bottlenecks where o.Placement has them.
func (method) Attach(m pet.Model, o pet.Options) (pet.Tuning, error) {
	_, sublayers, err := plan(m, o)
	if err != nil {
		return nil, err
	}
	return AttachTo(m, o, sublayers)
}

// Specs describes the four parameters of a sublayer's bottleneck.
func Specs(o pet.Options, s *nn.Sublayer) ([]pet.TensorSpec, error) {
	c, err := configure(o)
	return c.specs([]*nn.Sublayer{s}, nil), err
}

// AttachTo puts bottlenecks into given sublayers.
func AttachTo(m pet.Model, o pet.Options, sublayers []*nn.Sublayer) (pet.Tuning, error) {
	c, err := configure(o)
	if err != nil {
		return nil, err
	}
	up, err := drawUp(o.Init)
	if err != nil {
		return nil, err
	}
	leaves, err := pet.NewLeaves(m, o.Seed, c.specs(sublayers, up))
	if err != nil {
		return nil, err
	}
	return hook(c, sublayers, leaves), nil
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
		return c, fmt.Errorf("adapter: adapter configuration: %w", err)
	}
	return c, nil
}
