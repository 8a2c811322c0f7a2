package pet

import (
	"slices"

	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
	"github.com/gopet-ml/gopet/torch/optim"
)

// Pretrained lists every parameter of a model but its head's.
func Pretrained(m Model) []*nn.Parameter {
	return slices.DeleteFunc(slices.Clone(m.Registry().Parameters()), func(p *nn.Parameter) bool {
		return slices.Contains(m.Head(), p)
	})
}

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

// Freed are parameters of the model's own that a tuning tunes whole, with what
// they held before.
type Freed struct {
	Parameters []*nn.Parameter
	base       []*torch.Tensor
}

// Free lets parameters learn.
func Free(parameters []*nn.Parameter) *Freed {
	f := &Freed{Parameters: parameters}
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	for _, p := range parameters {
		f.base = append(f.base, s.Keep(p.Tensor.In(s).Clone()))
		p.Tensor.SetRequiresGrad(true)
	}
	return f
}

// Restore puts back what the parameters held, every bit, and freezes them.
func (f *Freed) Restore() {
	for i, p := range f.Parameters {
		p.Tensor.SetRequiresGrad(false)
		p.Tensor.CopyFrom(f.base[i])
	}
}

// Close frees the memory of what they held.
func (f *Freed) Close() {
	for _, base := range f.base {
		base.Close()
	}
	f.Parameters, f.base = nil, nil
}
