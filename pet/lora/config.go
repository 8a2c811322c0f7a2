package lora

import (
	"fmt"
	"math"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch/nn"
)

// What stands where nothing is given.
const (
	DefaultRank    = 8
	DefaultAlpha   = 16
	DefaultTargets = "qv"
)

// The suffixes of a layer's two matrices in adapter files: A [rank, in] and
// B [out, rank].
const (
	SuffixA = ".lora_A.weight"
	SuffixB = ".lora_B.weight"
)

// Config is what an adapter's configuration says. The layers are in its file;
// Targets tells how they were chosen.
type Config struct {
	Rank    int64   `json:"rank"`
	Alpha   float64 `json:"alpha"`
	Targets string  `json:"targets,omitempty"`
}

func configure(o pet.Options) (Config, error) {
	c := Config{Rank: o.Rank, Alpha: o.Alpha, Targets: o.Targets}
	if c.Rank == 0 {
		c.Rank = DefaultRank
	}
	if c.Alpha == 0 {
		c.Alpha = DefaultAlpha
	}
	if c.Targets == "" {
		c.Targets = DefaultTargets
	}
	return c, c.check()
}

func (c Config) check() error {
	if err := pet.CheckSize("rank", c.Rank); err != nil {
		return fmt.Errorf("lora: %w", err)
	}
	if !(c.Alpha > 0) || math.IsInf(c.Alpha, 0) {
		return fmt.Errorf("lora: alpha %g: want a number above 0", c.Alpha)
	}
	return nil
}

// specs describes the matrices of layers, A and B of each in turn. As peft
// draws A, kaiming-uniform with a = sqrt 5: from +-1/sqrt(in).
func (c Config) specs(layers []*nn.Linear) []pet.TensorSpec {
	list := make([]pet.TensorSpec, 0, 2*len(layers))
	for _, l := range layers {
		list = append(list,
			pet.TensorSpec{Name: l.Name + SuffixA, Shape: []int64{c.Rank, l.In}, Draw: pet.Uniform(1 / math.Sqrt(float64(l.In)))},
			pet.TensorSpec{Name: l.Name + SuffixB, Shape: []int64{l.Out, c.Rank}})
	}
	return list
}
