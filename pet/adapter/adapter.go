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
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/internal/nearest"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch/nn"
)

func init() { pet.Register(method{}) }

// What stands where nothing is given.
const (
	DefaultBottleneck = 24
	DefaultActivation = "gelu_new"
	DefaultPlacement  = Paper
)

// std is the standard deviation of the first weights.
const std = 0.01

// The suffixes of a bottleneck's tensors in adapter files: weights
// [bottleneck, dim] and [dim, bottleneck], and their biases.
const (
	SuffixDown     = ".adapter_down.weight"
	SuffixDownBias = ".adapter_down.bias"
	SuffixUp       = ".adapter_up.weight"
	SuffixUpBias   = ".adapter_up.bias"
)

// Config is what an adapter's configuration says. Which sublayers have a
// bottleneck is in its file.
type Config struct {
	Bottleneck int64  `json:"bottleneck"`
	Activation string `json:"activation"`
	Placement  string `json:"placement"`
}

func configure(o pet.Options) (Config, error) {
	c := Config{Bottleneck: o.Bottleneck, Activation: DefaultActivation, Placement: o.Placement}
	if c.Bottleneck == 0 {
		c.Bottleneck = DefaultBottleneck
	}
	if c.Placement == "" {
		c.Placement = DefaultPlacement
	}
	return c, c.check()
}

func (c Config) check() error {
	if err := pet.CheckSize("bottleneck", c.Bottleneck); err != nil {
		return fmt.Errorf("adapter: %w", err)
	}
	if _, ok := placements[c.Placement]; !ok {
		return fmt.Errorf("adapter: unknown placement %q; %s", c.Placement, nearest.Hint(c.Placement, Placements()))
	}
	if _, ok := activations[c.Activation]; !ok {
		return fmt.Errorf("adapter: unknown activation %q; %s", c.Activation, nearest.Hint(c.Activation, Activations()))
	}
	return nil
}

// added describes the bottlenecks of sublayers, four parameters of each.
func (c Config) added(sublayers []*nn.Sublayer, up pet.Draw) []pet.TensorSpec {
	list := make([]pet.TensorSpec, 0, 4*len(sublayers))
	for _, s := range sublayers {
		list = append(list,
			pet.TensorSpec{Name: s.Name + SuffixDown, Shape: []int64{c.Bottleneck, s.Dim}, Draw: pet.Normal(std)},
			pet.TensorSpec{Name: s.Name + SuffixDownBias, Shape: []int64{c.Bottleneck}},
			pet.TensorSpec{Name: s.Name + SuffixUp, Shape: []int64{s.Dim, c.Bottleneck}, Draw: up},
			pet.TensorSpec{Name: s.Name + SuffixUpBias, Shape: []int64{s.Dim}})
	}
	return list
}

// drawUp is how an up-projection starts.
func drawUp(init string) (pet.Draw, error) {
	switch init {
	case "", "paper":
		return pet.Normal(std), nil
	case "zero":
		return nil, nil
	}
	return nil, fmt.Errorf("adapter: init %q: want paper (N(0, %g)) or zero", init, std)
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

// plan is what the options of a user come to.
func plan(m pet.Model, o pet.Options) (c Config, sublayers []*nn.Sublayer, list []pet.TensorSpec, err error) {
	if c, err = configure(o); err != nil {
		return c, nil, nil, err
	}
	up, err := drawUp(o.Init)
	if err != nil {
		return c, nil, nil, err
	}
	for _, s := range m.Registry().Sublayers() {
		if slices.Contains(placements[c.Placement].roles, s.Role) {
			sublayers = append(sublayers, s)
		}
	}
	if len(sublayers) == 0 {
		return c, nil, nil, fmt.Errorf("adapter: the model has no place for a bottleneck")
	}
	return c, sublayers, c.added(sublayers, up), nil
}

func (method) Count(m pet.Model, o pet.Options) (int64, error) {
	_, _, list, err := plan(m, o)
	return pet.CountEntries(list), err
}

func (method) Attach(m pet.Model, o pet.Options) (pet.Tuning, error) {
	c, sublayers, list, err := plan(m, o)
	if err != nil {
		return nil, err
	}
	leaves, err := pet.NewLeaves(m, o.Seed, list)
	if err != nil {
		return nil, err
	}
	return hook(c, sublayers, leaves), nil
}

// stored is what an adapter holds: its configuration, and the sublayers of the
// model that have a bottleneck, in the model's order.
func stored(m pet.Model, raw json.RawMessage, tensors pet.Tensors) (Config, []*nn.Sublayer, error) {
	var c Config
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, nil, fmt.Errorf("adapter: adapter configuration: %w", err)
	}
	if err := c.check(); err != nil {
		return c, nil, err
	}
	wanted := map[string]bool{}
	for _, name := range tensors.Names() {
		if sublayer, ok := strings.CutSuffix(name, SuffixDown); ok {
			wanted[sublayer] = true
		}
	}
	var sublayers []*nn.Sublayer
	for _, s := range m.Registry().Sublayers() {
		if wanted[s.Name] {
			sublayers = append(sublayers, s)
			delete(wanted, s.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		return c, nil, fmt.Errorf("adapter: the adapter has a bottleneck at %q, which the model does not have", name)
	}
	if len(sublayers) == 0 {
		return c, nil, fmt.Errorf("adapter: the adapter has no bottleneck")
	}
	return c, sublayers, nil
}

func (method) Fit(m pet.Model, raw json.RawMessage, tensors pet.Tensors) error {
	c, sublayers, err := stored(m, raw, tensors)
	if err != nil {
		return err
	}
	return pet.CheckTensors(tensors, c.added(sublayers, nil))
}

func (method) Restore(m pet.Model, raw json.RawMessage, tensors pet.Tensors) (pet.Tuning, error) {
	c, sublayers, err := stored(m, raw, tensors)
	if err != nil {
		return nil, err
	}
	leaves, err := pet.ReadLeaves(m, tensors, c.added(sublayers, nil))
	if err != nil {
		return nil, fmt.Errorf("adapter: %w", err)
	}
	return hook(c, sublayers, leaves), nil
}

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
