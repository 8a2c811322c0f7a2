package apet

import (
	"encoding/json"
	"fmt"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch/nn"
)

func init() {
	pet.Register(method{name: "apet-discrete", layout: Discrete, summary: "any k entries of the base weights, scattered uniformly"})
	pet.Register(method{name: "apet-adjacent", layout: Adjacent, summary: "any k entries of the base weights, in contiguous runs"})
}

type method struct {
	name, summary string
	layout        Layout
}

func (m method) Name() string { return m.name }

func (m method) Summary() string { return m.summary }

func (m method) LearningRate(k int64) float64 { return LearningRate(k) }

// Dropout is 0, as the reference implementation runs APET.
func (m method) Dropout() float64 { return 0 }

// DefaultTargets is what is eligible when no targets are named.
const DefaultTargets = pet.AllLinear

// Count is o.K, checked against what is eligible.
func (m method) Count(model pet.Model, o pet.Options) (int64, error) {
	_, sizes, err := candidates(model, &o)
	if err != nil {
		return 0, err
	}
	if _, err := checkCount(sizes, o.K); err != nil {
		return 0, fmt.Errorf("%s: %w", m.name, err)
	}
	return o.K, nil
}

// candidates lists the parameters that may hold entries, and their sizes.
func candidates(model pet.Model, o *pet.Options) (targets []*nn.Parameter, sizes []int64, err error) {
	if o.Targets == "" {
		o.Targets = DefaultTargets
	}
	if targets, err = pet.Targets(model, o.Targets); err != nil {
		return nil, nil, err
	}
	sizes = make([]int64, len(targets))
	for i, p := range targets {
		sizes[i] = p.NumEl()
	}
	return targets, sizes, nil
}

func (m method) Attach(model pet.Model, o pet.Options) (pet.Tuning, error) {
	targets, sizes, err := candidates(model, &o)
	if err != nil {
		return nil, err
	}
	positions, err := m.layout(sizes, o.K, o.Block, o.Seed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	config := Config{K: o.K, Block: o.Block, Targets: o.Targets, Seed: o.Seed}
	return newTuning(model, config, targets, positions)
}

// AttachAt tunes the entries at positions (flat, ascending) of the named
// parameters, wherever they came from.
func AttachAt(model pet.Model, positions map[string][]int64) (pet.Tuning, error) {
	var targets []*nn.Parameter
	var list [][]int64
	config := Config{}
	for _, p := range model.Registry().Parameters() {
		if at, ok := positions[p.Name]; ok {
			targets, list = append(targets, p), append(list, at)
			config.K += int64(len(at))
		}
	}
	if len(targets) != len(positions) {
		return nil, fmt.Errorf("apet: a mask over %d tensors, of which the model has %d", len(positions), len(targets))
	}
	return newTuning(model, config, targets, list)
}

func (m method) Restore(model pet.Model, raw json.RawMessage, tensors pet.Tensors) (pet.Tuning, error) {
	var config Config
	if err := json.Unmarshal(raw, &config); err != nil {
		return nil, fmt.Errorf("%s: adapter configuration: %w", m.name, err)
	}
	positions, err := readPositions(model, tensors)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	attached, err := AttachAt(model, positions)
	if err != nil {
		return nil, err
	}
	t := attached.(*tuning)
	if config.K != t.config.K {
		t.Detach()
		return nil, fmt.Errorf("%s: the adapter's configuration says %d entries, its file has %d", m.name, config.K, t.config.K)
	}
	t.config = config
	if err := t.Load(tensors); err != nil {
		t.Detach()
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	return t, nil
}

// Config is what an adapter's configuration says of a mask. The positions are
// in the adapter's file; these are the choices that made them.
type Config struct {
	K       int64  `json:"k"`
	Block   int64  `json:"block,omitempty"`
	Targets string `json:"targets,omitempty"`
	Seed    uint64 `json:"seed"`
}
