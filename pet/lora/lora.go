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
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch/nn"
)

func init() { pet.Register(method{}) }

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

// added describes the matrices of layers, A and B of each in turn. As peft
// draws A, kaiming-uniform with a = sqrt 5: from +-1/sqrt(in).
func (c Config) added(layers []*nn.Linear) []pet.TensorSpec {
	list := make([]pet.TensorSpec, 0, 2*len(layers))
	for _, l := range layers {
		list = append(list,
			pet.TensorSpec{Name: l.Name + SuffixA, Shape: []int64{c.Rank, l.In}, Draw: pet.Uniform(1 / math.Sqrt(float64(l.In)))},
			pet.TensorSpec{Name: l.Name + SuffixB, Shape: []int64{l.Out, c.Rank}})
	}
	return list
}

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

// targets lists the linear layers whose weights an expression names. Biases
// that a regular expression catches with them are passed over.
func targets(m pet.Model, expression string) ([]*nn.Linear, error) {
	parameters, err := pet.Targets(m, expression)
	if err != nil {
		return nil, fmt.Errorf("lora: %w", err)
	}
	var layers []*nn.Linear
	for _, p := range parameters {
		l := layerOf(m.Registry(), p)
		switch {
		case l != nil:
			layers = append(layers, l)
		case len(p.Tensor.Shape()) > 1:
			return nil, fmt.Errorf("lora: targets %q name %q, an embedding: name weights of linear layers, or all-linear", expression, p.Name)
		}
	}
	if len(layers) == 0 {
		return nil, fmt.Errorf("lora: targets %q name no linear layer, only %q", expression, parameters[0].Name)
	}
	return layers, nil
}

// layerOf is the layer whose weight p is; nil where p is an embedding's, a head
// tied to it or not, or no matrix.
func layerOf(r *nn.Registry, p *nn.Parameter) *nn.Linear {
	if slices.ContainsFunc(r.Embeddings(), func(e *nn.Embedding) bool { return e.Weight == p }) {
		return nil
	}
	i := slices.IndexFunc(r.Linears(), func(l *nn.Linear) bool { return l.Weight == p })
	if i < 0 {
		return nil
	}
	return r.Linears()[i]
}

func (method) Count(m pet.Model, o pet.Options) (int64, error) {
	c, layers, err := plan(m, o)
	return pet.CountEntries(c.added(layers)), err
}

func (method) Attach(m pet.Model, o pet.Options) (pet.Tuning, error) {
	c, layers, err := plan(m, o)
	if err != nil {
		return nil, err
	}
	leaves, err := pet.NewLeaves(m, o.Seed, c.added(layers))
	if err != nil {
		return nil, err
	}
	return hook(c, layers, leaves), nil
}

// stored is what an adapter holds: its configuration, and the layers of the
// model that it updates, in the model's order.
func stored(m pet.Model, raw json.RawMessage, tensors pet.Tensors) (Config, []*nn.Linear, error) {
	var c Config
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, nil, fmt.Errorf("lora: adapter configuration: %w", err)
	}
	if err := c.check(); err != nil {
		return c, nil, err
	}
	wanted := map[string]bool{}
	for _, name := range tensors.Names() {
		if layer, ok := strings.CutSuffix(name, SuffixA); ok {
			wanted[layer] = true
		}
	}
	var layers []*nn.Linear
	for _, l := range m.Registry().Linears() {
		if wanted[l.Name] {
			layers = append(layers, l)
			delete(wanted, l.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		return c, nil, fmt.Errorf("lora: the adapter updates %q, which the model does not have", name)
	}
	if len(layers) == 0 {
		return c, nil, fmt.Errorf("lora: the adapter updates no layer")
	}
	return c, layers, nil
}

func (method) Fit(m pet.Model, raw json.RawMessage, tensors pet.Tensors) error {
	c, layers, err := stored(m, raw, tensors)
	if err != nil {
		return err
	}
	return pet.CheckTensors(tensors, c.added(layers))
}

func (method) Restore(m pet.Model, raw json.RawMessage, tensors pet.Tensors) (pet.Tuning, error) {
	c, layers, err := stored(m, raw, tensors)
	if err != nil {
		return nil, err
	}
	leaves, err := pet.ReadLeaves(m, tensors, c.added(layers))
	if err != nil {
		return nil, fmt.Errorf("lora: %w", err)
	}
	return hook(c, layers, leaves), nil
}
