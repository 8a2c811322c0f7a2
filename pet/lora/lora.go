// Package lora adds a product of two thin matrices to linear layers (Hu et
// al., 2021, arXiv 2106.09685): y = x W^T + b + alpha/rank * x A^T B^T.
package lora

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch/nn"
)

func init() { pet.Register(method{}) }

// The paper's settings, which stand where none are given.
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

// Config is what an adapter's configuration says. The layers are in its file.
type Config struct {
	Rank    int64   `json:"rank"`
	Alpha   float64 `json:"alpha"`
	Targets string  `json:"targets,omitempty"`
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

func configure(o pet.Options) Config {
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
	return c
}

func (c Config) check() error {
	if c.Rank < 1 || c.Alpha <= 0 || math.IsInf(c.Alpha, 0) || math.IsNaN(c.Alpha) {
		return fmt.Errorf("lora: rank %d and alpha %g: want 1 or more, and more than 0", c.Rank, c.Alpha)
	}
	return nil
}

func (method) Count(m pet.Model, o pet.Options) (int64, error) {
	c := configure(o)
	if err := c.check(); err != nil {
		return 0, err
	}
	layers, err := targets(m, c.Targets)
	var n int64
	for _, l := range layers {
		n += c.Rank * (l.In + l.Out)
	}
	return n, err
}

// targets lists the linear layers whose weights an expression names.
func targets(m pet.Model, expression string) ([]*nn.Linear, error) {
	parameters, err := pet.Targets(m, expression)
	if err != nil {
		return nil, err
	}
	var layers []*nn.Linear
	for _, p := range parameters {
		l := layerOf(m.Registry(), p)
		switch {
		case l != nil:
			layers = append(layers, l)
		case len(p.Tensor.Shape()) > 1:
			return nil, fmt.Errorf("lora: targets %q name %q, which is no linear layer's weight: name linear layers only", expression, p.Name)
		}
	}
	if len(layers) == 0 {
		return nil, fmt.Errorf("lora: targets %q name no linear layer", expression)
	}
	return layers, nil
}

// layerOf is the layer whose own weight p is; nil where there is none, or
// where an embedding shares it.
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

func (method) Attach(m pet.Model, o pet.Options) (pet.Tuning, error) {
	c := configure(o)
	if err := c.check(); err != nil {
		return nil, err
	}
	layers, err := targets(m, c.Targets)
	if err != nil {
		return nil, err
	}
	t := &tuning{config: c}
	for _, l := range layers {
		// Kaiming uniform with a = sqrt 5, as peft: bound 1/sqrt(in).
		a := pet.Uniform(pet.Random(o.Seed, l.Name+SuffixA), c.Rank*l.In, 1/math.Sqrt(float64(l.In)))
		t.add(m, l, a, make([]float32, l.Out*c.Rank))
	}
	return t, nil
}

func (method) Restore(m pet.Model, raw json.RawMessage, tensors pet.Tensors) (pet.Tuning, error) {
	var c Config
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("lora: adapter configuration: %w", err)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	layers, err := stored(m, tensors)
	if err != nil {
		return nil, err
	}
	t := &tuning{config: c}
	for _, l := range layers {
		t.add(m, l, make([]float32, c.Rank*l.In), make([]float32, l.Out*c.Rank))
	}
	if err := t.Load(tensors); err != nil {
		t.Detach()
		return nil, fmt.Errorf("lora: %w", err)
	}
	return t, nil
}

// stored lists the layers that an adapter file has matrices of, in the model's
// order.
func stored(m pet.Model, tensors pet.Tensors) ([]*nn.Linear, error) {
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
	for name := range wanted {
		return nil, fmt.Errorf("lora: the adapter tunes %q, which the model does not have", name)
	}
	if len(layers) == 0 {
		return nil, fmt.Errorf("lora: the adapter tunes no layer")
	}
	return layers, nil
}
