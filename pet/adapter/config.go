package adapter

import (
	"fmt"

	"github.com/gopet-ml/gopet/internal/nearest"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch/nn"
)

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

// specs describes the bottlenecks of sublayers, four parameters of each.
func (c Config) specs(sublayers []*nn.Sublayer, up pet.Draw) []pet.TensorSpec {
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
