// Package bitfit tunes the biases (Ben Zaken et al., 2021, arXiv 2106.10199).
// Where a model has none, as T5, zero biases are added to the projections of
// self-attention, the feed-forward layers, every layer norm and the head over
// the vocabulary, and none to cross-attention, as the reference code of arXiv
// 2306.02320 does.
package bitfit

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
	"github.com/gopet-ml/gopet/torch/optim"
)

func init() { pet.Register(method{}) }

type method struct{}

func (method) Name() string { return "bitfit" }

func (method) Summary() string { return "every bias; where the model has none, added ones" }

// LearningRate is the paper's.
func (method) LearningRate(int64) float64 { return 3e-4 }

// Dropout is the paper's.
func (method) Dropout() float64 { return 0.1 }

// places lists the biases there are, and the layers that get one.
type places struct {
	biases  []*nn.Parameter
	linears []*nn.Linear
	norms   []*nn.LayerNorm
}

func placesOf(m pet.Model) places {
	var p places
	r := m.Registry()
	for _, parameter := range r.Parameters() {
		if strings.HasSuffix(parameter.Name, ".bias") && !slices.Contains(m.Head(), parameter) {
			p.biases = append(p.biases, parameter)
		}
	}
	for _, l := range r.Linears() {
		if l.Bias == nil && l.Role != nn.CrossAttention {
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

func (method) Count(m pet.Model, _ pet.Options) (int64, error) {
	p := placesOf(m)
	var n int64
	for _, bias := range p.biases {
		n += bias.NumEl()
	}
	for _, l := range p.linears {
		n += l.Out
	}
	for _, l := range p.norms {
		n += l.Weight.NumEl()
	}
	return n, nil
}

func (method) Attach(m pet.Model, _ pet.Options) (pet.Tuning, error) {
	p := placesOf(m)
	t := &tuning{linears: p.linears, norms: p.norms, biases: p.biases}
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	for _, bias := range p.biases {
		t.base = append(t.base, s.Keep(bias.Tensor.In(s).Detach().Clone()))
		bias.Tensor.SetRequiresGrad(true)
	}
	for _, l := range p.linears {
		l.Override = t.afterLinear(l, t.add(m, l.Name, l.Out))
	}
	for _, l := range p.norms {
		l.Override = t.afterNorm(l, t.add(m, strings.TrimSuffix(l.Weight.Name, ".weight"), l.Weight.NumEl()))
	}
	return t, nil
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

type tuning struct {
	biases  []*nn.Parameter
	base    []*torch.Tensor // what each held before
	added   pet.Leaves
	linears []*nn.Linear // that have an added one
	norms   []*nn.LayerNorm
}

var _ pet.Merger = (*tuning)(nil)

func (t *tuning) add(m pet.Model, layer string, n int64) pet.Leaf {
	leaf := pet.NewLeaf(m, layer+".bias", make([]float32, n), n)
	t.added = append(t.added, leaf)
	return leaf
}

// An added bias is added apart: within the product it could change the order
// of sums, and with it bits.

func (t *tuning) afterLinear(l *nn.Linear, bias pet.Leaf) func(*torch.Tensor) *torch.Tensor {
	return func(x *torch.Tensor) *torch.Tensor {
		y := torch.Linear(x, l.Weight.Tensor, nil)
		return y.Add(bias.As(y))
	}
}

func (t *tuning) afterNorm(l *nn.LayerNorm, bias pet.Leaf) func(*torch.Tensor) *torch.Tensor {
	return func(x *torch.Tensor) *torch.Tensor {
		y := l.Normalize(x, l.Weight.Tensor, nil)
		return y.Add(bias.As(y))
	}
}

func (t *tuning) Params() []optim.Param {
	var params []optim.Param
	for _, p := range t.biases {
		params = append(params, optim.Param{Name: p.Name, Leaf: p.Tensor, Decay: pet.Decays(p.Name)})
	}
	return append(params, t.added.Params()...)
}

func (t *tuning) Count() int64 {
	n := t.added.Count()
	for _, p := range t.biases {
		n += p.NumEl()
	}
	return n
}

func (t *tuning) Config() any { return struct{}{} }

func (t *tuning) Save(s *torch.Scope) []pet.NamedTensor {
	var list []pet.NamedTensor
	for _, p := range t.biases {
		list = append(list, pet.NamedTensor{Name: p.Name, Tensor: p.Tensor.In(s)})
	}
	return append(list, t.added.Save(s)...)
}

func (t *tuning) Load(tensors pet.Tensors) error {
	for _, p := range t.biases {
		if err := pet.LoadInto(p.Tensor, tensors, p.Name); err != nil {
			return err
		}
	}
	return t.added.Load(tensors)
}

func (t *tuning) Detach() {
	t.restore()
	for _, base := range t.base {
		base.Close()
	}
	for _, l := range t.linears {
		l.Override = nil
	}
	for _, l := range t.norms {
		l.Override = nil
	}
	t.added.Close()
}

func (t *tuning) restore() {
	for i, p := range t.biases {
		p.Tensor.SetRequiresGrad(false)
		p.Tensor.CopyFrom(t.base[i])
	}
}

// Merge has nothing to do where the model has biases, and no place for them
// where it has none.
func (t *tuning) Merge() error {
	if len(t.added) > 0 {
		return errors.New("bitfit added biases that the model's files have no place for: they cannot be merged")
	}
	return nil
}

// Unmerge restores every bias.
func (t *tuning) Unmerge() error {
	return torch.Try(t.restore)
}

// Exact is true: the biases of the base are kept.
func (t *tuning) Exact() bool { return true }
