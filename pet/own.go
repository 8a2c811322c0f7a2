package pet

import (
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
	"github.com/gopet-ml/gopet/torch/optim"
)

// What a tuning owes of parameters of the model's own that it tunes whole.

// Stored describes them in an adapter file.
func Stored(parameters []*nn.Parameter) []TensorSpec {
	list := make([]TensorSpec, len(parameters))
	for i, p := range parameters {
		list[i] = TensorSpec{Name: p.Name, Shape: p.Tensor.Shape()}
	}
	return list
}

// OwnParams lists them for the optimizer.
func OwnParams(parameters []*nn.Parameter) []optim.Param {
	list := make([]optim.Param, len(parameters))
	for i, p := range parameters {
		list[i] = optim.Param{Name: p.Name, Leaf: p.Tensor, Decay: Decays(p.Name)}
	}
	return list
}

// SaveOwn lists their values as members of s.
func SaveOwn(s *torch.Scope, parameters []*nn.Parameter) []NamedTensor {
	list := make([]NamedTensor, len(parameters))
	for i, p := range parameters {
		list[i] = NamedTensor{Name: p.Name, Tensor: p.Tensor.In(s)}
	}
	return list
}

// LoadOwn replaces their values by those of an adapter file, all or none.
func LoadOwn(tensors Tensors, parameters []*nn.Parameter) error {
	if err := CheckTensors(tensors, Stored(parameters)); err != nil {
		return err
	}
	for _, p := range parameters {
		if err := LoadInto(p.Tensor, tensors, p.Name); err != nil {
			return err
		}
	}
	return nil
}
