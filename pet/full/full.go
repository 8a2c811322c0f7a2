// Package full tunes every parameter of the model.
package full

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
	"github.com/gopet-ml/gopet/torch/optim"
)

func init() { pet.Register(method{}) }

type method struct{}

func (method) Name() string { return "full" }

func (method) Summary() string { return "every parameter of the model" }

func (method) LearningRate(int64) float64 { return 5e-5 }

func (method) Dropout() float64 { return -1 }

func (method) Count(m pet.Model, _ pet.Options) (int64, error) {
	var n int64
	for _, p := range m.Registry().Parameters() {
		if !slices.Contains(m.Head(), p) {
			n += p.NumEl()
		}
	}
	return n, nil
}

func (method) Attach(m pet.Model, _ pet.Options) (pet.Tuning, error) {
	t := &tuning{}
	for _, p := range m.Registry().Parameters() {
		if !slices.Contains(m.Head(), p) {
			p.Tensor.SetRequiresGrad(true)
			t.parameters = append(t.parameters, p)
		}
	}
	return t, nil
}

func (f method) Restore(m pet.Model, _ json.RawMessage, tensors pet.Tensors) (pet.Tuning, error) {
	t, err := f.Attach(m, pet.Options{})
	if err != nil {
		return nil, err
	}
	return t, t.Load(tensors)
}

type tuning struct {
	parameters []*nn.Parameter
}

func (t *tuning) Params() []optim.Param {
	params := make([]optim.Param, len(t.parameters))
	for i, p := range t.parameters {
		params[i] = optim.Param{Name: p.Name, Leaf: p.Tensor, Decay: pet.Decays(p.Name)}
	}
	return params
}

func (t *tuning) Count() int64 {
	var n int64
	for _, p := range t.parameters {
		n += p.NumEl()
	}
	return n
}

func (t *tuning) Config() any { return struct{}{} }

func (t *tuning) Save(s *torch.Scope) []pet.NamedTensor {
	list := make([]pet.NamedTensor, len(t.parameters))
	for i, p := range t.parameters {
		list[i] = pet.NamedTensor{Name: p.Name, Tensor: p.Tensor.In(s)}
	}
	return list
}

func (t *tuning) Load(tensors pet.Tensors) error {
	for _, p := range t.parameters {
		if err := pet.LoadInto(p.Tensor, tensors, p.Name); err != nil {
			return err
		}
	}
	return nil
}

var _ pet.Merger = (*tuning)(nil)

// Merge has nothing to do: the weights are what was tuned.
func (t *tuning) Merge() error { return nil }

// Unmerge fails: full tuning keeps nothing of the base.
func (t *tuning) Unmerge() error {
	return errors.New("full tuning cannot be unmerged: load the base again")
}

// Exact is false: nothing of the base is left.
func (t *tuning) Exact() bool { return false }

func (t *tuning) Detach() {
	for _, p := range t.parameters {
		p.Tensor.SetRequiresGrad(false)
	}
}
