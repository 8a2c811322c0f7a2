package main

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
	"github.com/gopet-ml/gopet/torch/optim"
)

func init() { pet.Register(layerNorm{}) }

// layerNorm tunes the weights and biases of the layer norms and nothing else.
type layerNorm struct{}

func (layerNorm) Name() string { return "layernorm" }

func (layerNorm) Summary() string { return "weights and biases of the layer norms" }

func (layerNorm) LearningRate(int64) float64 { return 1e-2 }

func (layerNorm) Dropout() float64 { return 0 }

func (layerNorm) Count(m pet.Model, _ pet.Options) (int64, error) {
	var n int64
	for _, p := range parameters(m) {
		n += p.NumEl()
	}
	return n, nil
}

// parameters lists what the method tunes. T5's norms have no bias.
func parameters(m pet.Model) []*nn.Parameter {
	var list []*nn.Parameter
	for _, norm := range m.Registry().LayerNorms() {
		list = append(list, norm.Weight)
		if norm.Bias != nil {
			list = append(list, norm.Bias)
		}
	}
	return list
}

func (layerNorm) Attach(m pet.Model, _ pet.Options) (pet.Tuning, error) {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	t := &normTuning{}
	for _, p := range parameters(m) {
		t.base = append(t.base, s.Keep(p.Tensor.In(s).Clone()))
		t.tuned = append(t.tuned, p)
		p.Tensor.SetRequiresGrad(true)
	}
	return t, nil
}

func (l layerNorm) Restore(m pet.Model, _ json.RawMessage, tensors pet.Tensors) (pet.Tuning, error) {
	t, err := l.Attach(m, pet.Options{})
	if err != nil {
		return nil, err
	}
	if err := t.Load(tensors); err != nil {
		t.Detach()
		return nil, err
	}
	return t, nil
}

// normTuning is layerNorm at work on a model.
type normTuning struct {
	tuned []*nn.Parameter
	base  []*torch.Tensor // what each held before
}

func (t *normTuning) Params() []optim.Param {
	var params []optim.Param
	for _, p := range t.tuned {
		params = append(params, optim.Param{Name: p.Name, Leaf: p.Tensor, Decay: pet.Decays(p.Name)})
	}
	return params
}

func (t *normTuning) Count() int64 {
	var n int64
	for _, p := range t.tuned {
		n += p.NumEl()
	}
	return n
}

func (t *normTuning) Config() any { return struct{}{} }

func (t *normTuning) Save(s *torch.Scope) []pet.NamedTensor {
	var list []pet.NamedTensor
	for _, p := range t.tuned {
		list = append(list, pet.NamedTensor{Name: p.Name, Tensor: p.Tensor.In(s)})
	}
	return list
}

func (t *normTuning) Load(tensors pet.Tensors) error {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	for _, p := range t.tuned {
		saved, err := tensors.Read(s, p.Name)
		if err != nil {
			return err
		}
		if got, want := saved.Shape(), p.Tensor.Shape(); !slices.Equal(got, want) {
			return fmt.Errorf("tensor %q has shape %v, the model's %v", p.Name, got, want)
		}
		p.Tensor.CopyFrom(saved)
	}
	return nil
}

func (t *normTuning) Detach() {
	for i, p := range t.tuned {
		p.Tensor.SetRequiresGrad(false)
		p.Tensor.CopyFrom(t.base[i])
		t.base[i].Close()
	}
	t.tuned, t.base = nil, nil
}
