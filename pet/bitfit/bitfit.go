// Package bitfit tunes the biases (Ben Zaken et al., 2021, arXiv 2106.10199),
// all but those of a classifier's head, which is no method's.
//
// Where a model has none, as T5, biases are added: to the projections of
// self-attention, to the feed-forward layers, to every layer norm and to the
// head over the vocabulary, as OpenDelta adds them for arXiv 2306.02320; none
// to the projections of cross-attention. They start from zero, and are added
// apart from the layer's product, so that no bit of the output changes.
package bitfit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

func init() { pet.Register(method{}) }

type method struct{}

func (method) Name() string { return "bitfit" }

func (method) Summary() string { return "every bias; where the model has none, added ones" }

// LearningRate is the paper's.
func (method) LearningRate(int64) float64 { return 3e-4 }

// Dropout is the paper's.
func (method) Dropout() float64 { return 0.1 }

// suffix of a bias, the model's or an added one, behind its module's name.
const suffix = ".bias"

// places are the biases there are, and the layers that get one.
type places struct {
	biases  []*nn.Parameter
	linears []*nn.Linear
	norms   []*nn.LayerNorm
}

func placesOf(m pet.Model) places {
	var p places
	r := m.Registry()
	for _, parameter := range r.Parameters() {
		if strings.HasSuffix(parameter.Name, suffix) && !slices.Contains(m.Head(), parameter) {
			p.biases = append(p.biases, parameter)
		}
	}
	for _, l := range r.Linears() {
		if l.Bias == nil && l.Role != nn.CrossAttention && !slices.Contains(m.Head(), l.Weight) {
			p.linears = append(p.linears, l)
		}
	}
	for _, l := range r.LayerNorms() {
		if l.Bias == nil {
			p.norms = append(p.norms, l)
		}
	}
	return p
}

// added describes the biases that the model does not have: those of linears,
// then those of norms.
func (p places) added() []pet.TensorSpec {
	var list []pet.TensorSpec
	for _, l := range p.linears {
		list = append(list, pet.TensorSpec{Name: l.Name + suffix, Shape: []int64{l.Out}})
	}
	for _, l := range p.norms {
		list = append(list, pet.TensorSpec{Name: strings.TrimSuffix(l.Weight.Name, ".weight") + suffix, Shape: l.Weight.Tensor.Shape()})
	}
	return list
}

// all describes every bias, in the order of an adapter's file.
func (p places) all() []pet.TensorSpec { return append(pet.Stored(p.biases), p.added()...) }

func (method) Count(m pet.Model, _ pet.Options) (int64, error) {
	return pet.CountEntries(placesOf(m).all()), nil
}

func (method) Attach(m pet.Model, o pet.Options) (pet.Tuning, error) {
	p := placesOf(m)
	added, err := pet.NewLeaves(m, o.Seed, p.added())
	if err != nil {
		return nil, err
	}
	return hook(p, added), nil
}

func (b method) Restore(m pet.Model, _ json.RawMessage, tensors pet.Tensors) (pet.Tuning, error) {
	t, err := b.Attach(m, pet.Options{})
	if err != nil {
		return nil, err
	}
	if err := t.Load(tensors); err != nil {
		t.Detach()
		return nil, fmt.Errorf("bitfit: %w", err)
	}
	return t, nil
}

// withBias gives a layer that has none a bias.
func withBias(bias pet.Leaf) func(*torch.LinearTerm, *torch.Tensor) {
	return func(term *torch.LinearTerm, x *torch.Tensor) { term.Bias = bias.As(x) }
}

func normWithBias(bias pet.Leaf) func(weight, _, x *torch.Tensor) (*torch.Tensor, *torch.Tensor) {
	return func(weight, _, x *torch.Tensor) (*torch.Tensor, *torch.Tensor) { return weight, bias.As(x) }
}
