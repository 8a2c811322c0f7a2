// Package adapter puts bottlenecks into a model (Houlsby et al., 2019, arXiv
// 1902.00751): h + W_up f(W_down h + b_down) + b_up.
package adapter

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/internal/nearest"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

func init() { pet.Register(method{}) }

// The paper's settings, which stand where none are given.
const (
	DefaultBottleneck = 24
	DefaultActivation = "gelu_new"
)

// std is of the initial weights, as OpenDelta draws them, which the reference
// code uses.
const std = 0.01

// Config is what an adapter's configuration says.
type Config struct {
	Bottleneck int64  `json:"bottleneck"`
	Activation string `json:"activation"`
	Placement  string `json:"placement"`
}

type method struct{}

func (method) Name() string { return "adapter" }

func (method) Summary() string {
	return "bottlenecks after self-attention and after the feed-forward layers"
}

// LearningRate is the paper's.
func (method) LearningRate(int64) float64 { return 3e-4 }

// Dropout is the paper's.
func (method) Dropout() float64 { return 0.1 }

func configure(o pet.Options) Config {
	c := Config{Bottleneck: o.Bottleneck, Activation: DefaultActivation, Placement: o.Placement}
	if c.Bottleneck == 0 {
		c.Bottleneck = DefaultBottleneck
	}
	if c.Placement == "" {
		c.Placement = Paper
	}
	return c
}

func (c Config) check() error {
	if c.Bottleneck < 1 {
		return fmt.Errorf("adapter: bottleneck %d: want 1 or more", c.Bottleneck)
	}
	if _, ok := placements[c.Placement]; !ok {
		return fmt.Errorf("adapter: unknown placement %q; %s", c.Placement, nearest.Hint(c.Placement, Placements()))
	}
	if _, ok := activations[c.Activation]; !ok {
		return fmt.Errorf("adapter: unknown activation %q; %s", c.Activation, nearest.Hint(c.Activation, Activations()))
	}
	return nil
}

// sublayers lists those that get a bottleneck.
func (c Config) sublayers(m pet.Model) ([]*nn.Sublayer, error) {
	var list []*nn.Sublayer
	for _, s := range m.Registry().Sublayers() {
		if slices.Contains(placements[c.Placement].roles, s.Role) {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("adapter: the model has no place for a bottleneck")
	}
	return list, nil
}

func (method) Count(m pet.Model, o pet.Options) (int64, error) {
	c := configure(o)
	if err := c.check(); err != nil {
		return 0, err
	}
	list, err := c.sublayers(m)
	var n int64
	for _, s := range list {
		n += 2*c.Bottleneck*s.Dim + c.Bottleneck + s.Dim
	}
	return n, err
}

func (method) Attach(m pet.Model, o pet.Options) (pet.Tuning, error) {
	c := configure(o)
	if err := c.check(); err != nil {
		return nil, err
	}
	list, err := c.sublayers(m)
	if err != nil {
		return nil, err
	}
	if o.Init != "" && o.Init != "paper" && o.Init != "zero" {
		return nil, fmt.Errorf("adapter: init %q: want paper or zero", o.Init)
	}
	t := &tuning{config: c}
	for _, s := range list {
		down := pet.Normal(pet.Random(o.Seed, s.Name+downWeight), c.Bottleneck*s.Dim, std)
		up := make([]float32, s.Dim*c.Bottleneck)
		if o.Init != "zero" {
			up = pet.Normal(pet.Random(o.Seed, s.Name+upWeight), s.Dim*c.Bottleneck, std)
		}
		t.add(m, s, down, up)
	}
	return t, nil
}

func (method) Restore(m pet.Model, raw json.RawMessage, tensors pet.Tensors) (pet.Tuning, error) {
	var c Config
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("adapter: adapter configuration: %w", err)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	list, err := c.sublayers(m)
	if err != nil {
		return nil, err
	}
	if err := checkNames(tensors, list); err != nil {
		return nil, err
	}
	t := &tuning{config: c}
	for _, s := range list {
		t.add(m, s, make([]float32, c.Bottleneck*s.Dim), make([]float32, s.Dim*c.Bottleneck))
	}
	if err := t.Load(tensors); err != nil {
		t.Detach()
		return nil, fmt.Errorf("adapter: %w", err)
	}
	return t, nil
}

// checkNames refuses an adapter with bottlenecks where the model has no place.
func checkNames(tensors pet.Tensors, list []*nn.Sublayer) error {
	for _, name := range tensors.Names() {
		at, ok := strings.CutSuffix(name, downWeight)
		if ok && !slices.ContainsFunc(list, func(s *nn.Sublayer) bool { return s.Name == at }) {
			return fmt.Errorf("adapter: the adapter has a bottleneck at %q, which the model does not have", at)
		}
	}
	return nil
}

// The suffixes of a bottleneck's tensors in adapter files: weights
// [bottleneck, dim] and [dim, bottleneck].
const (
	downWeight = ".adapter_down.weight"
	downBias   = ".adapter_down.bias"
	upWeight   = ".adapter_up.weight"
	upBias     = ".adapter_up.bias"
)

type tuning struct {
	pet.Leaves // four of each bottleneck
	config     Config
	sublayers  []*nn.Sublayer
}

func (t *tuning) add(m pet.Model, s *nn.Sublayer, down, up []float32) {
	n := t.config.Bottleneck
	b := bottleneck{
		down: pet.NewLeaf(m, s.Name+downWeight, down, n, s.Dim), downBias: pet.NewLeaf(m, s.Name+downBias, make([]float32, n), n),
		up: pet.NewLeaf(m, s.Name+upWeight, up, s.Dim, n), upBias: pet.NewLeaf(m, s.Name+upBias, make([]float32, s.Dim), s.Dim),
		activation: activations[t.config.Activation],
	}
	t.sublayers, t.Leaves = append(t.sublayers, s), append(t.Leaves, b.down, b.downBias, b.up, b.upBias)
	join := placements[t.config.Placement].join
	s.Override = func(output, stream *torch.Tensor) *torch.Tensor { return join(s, b, output, stream) }
}

func (t *tuning) Config() any { return t.config }

func (t *tuning) Detach() {
	for _, s := range t.sublayers {
		s.Override = nil
	}
	t.Leaves.Close()
}
