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

// Own are parameters of the model's own that are tuned whole, in order. They
// do what a Tuning that learns nothing else owes.
type Own struct {
	parameters []*nn.Parameter
	base       []*torch.Tensor // what they held before; nil where that is not kept
}

// Free lets parameters learn. With keep their values are kept, for Restore and
// Detach to put back.
func Free(parameters []*nn.Parameter, keep bool) *Own {
	o := &Own{parameters: parameters}
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	for _, p := range parameters {
		if keep {
			o.base = append(o.base, s.Keep(p.Tensor.In(s).Clone()))
		}
		p.Tensor.SetRequiresGrad(true)
	}
	return o
}

// Params lists them for the optimizer.
func (o *Own) Params() []optim.Param {
	list := make([]optim.Param, len(o.parameters))
	for i, p := range o.parameters {
		list[i] = optim.Param{Name: p.Name, Leaf: p.Tensor, Decay: Decays(p.Name)}
	}
	return list
}

// Count is the number of their entries.
func (o *Own) Count() int64 { return CountEntries(Stored(o.parameters)) }

// Save lists them as members of s.
func (o *Own) Save(s *torch.Scope) []NamedTensor {
	list := make([]NamedTensor, len(o.parameters))
	for i, p := range o.parameters {
		list[i] = NamedTensor{Name: p.Name, Tensor: p.Tensor.In(s)}
	}
	return list
}

// Load replaces their values, all or none.
func (o *Own) Load(tensors Tensors) error {
	if err := CheckTensors(tensors, Stored(o.parameters)); err != nil {
		return err
	}
	for _, p := range o.parameters {
		if err := LoadInto(p.Tensor, tensors, p.Name); err != nil {
			return err
		}
	}
	return nil
}

// Restore puts every bit back that was kept.
func (o *Own) Restore() {
	for i, base := range o.base {
		o.parameters[i].Tensor.CopyFrom(base)
	}
}

// Detach freezes the parameters, after Restore, and frees what was kept.
func (o *Own) Detach() {
	o.Restore()
	for _, p := range o.parameters {
		p.Tensor.SetRequiresGrad(false)
	}
	for _, base := range o.base {
		base.Close()
	}
	o.parameters, o.base = nil, nil
}
