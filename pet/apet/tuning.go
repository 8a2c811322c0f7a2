package apet

import (
	"fmt"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
	"github.com/gopet-ml/gopet/torch/optim"
)

// entries are the tuned entries of one parameter.
type entries struct {
	parameter *nn.Parameter
	mask      torch.Mask
	base      *torch.Tensor // their values before tuning, in the parameter's dtype
}

type tuning struct {
	model   pet.Model
	config  Config
	entries []*entries // of parameters with at least one
}

func newTuning(model pet.Model, config Config, targets []*nn.Parameter, positions [][]int64) (*tuning, error) {
	t := &tuning{model: model, config: config}
	for i, p := range targets {
		if err := checkPositions(positions[i], p); err != nil {
			t.Detach()
			return nil, err
		}
		if len(positions[i]) > 0 {
			t.entries = append(t.entries, newEntries(p, positions[i]))
		}
	}
	hook(model.Registry(), t.masks())
	return t, nil
}

func checkPositions(positions []int64, p *nn.Parameter) error {
	size, previous := p.NumEl(), int64(-1)
	for _, at := range positions {
		if at <= previous || at >= size {
			return fmt.Errorf("apet: position %d of %q: positions ascend and lie below %d", at, p.Name, size)
		}
		previous = at
	}
	return nil
}

func newEntries(p *nn.Parameter, positions []int64) *entries {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	weight := p.Tensor.In(s).Detach()
	index := torch.FromSlice(s, positions, int64(len(positions))).ToDevice(weight.Device())
	base := weight.Take(index)
	dtype := torch.Float32
	if weight.DType() == torch.Float64 {
		dtype = torch.Float64
	}
	values := base.Clone().ToDType(dtype)
	e := &entries{parameter: p, base: s.Keep(base)}
	e.mask = torch.Mask{Index: s.Keep(index), Values: s.Keep(values).SetRequiresGrad(true)}
	return e
}

func (t *tuning) masks() map[*nn.Parameter]torch.Mask {
	masks := make(map[*nn.Parameter]torch.Mask, len(t.entries))
	for _, e := range t.entries {
		masks[e.parameter] = e.mask
	}
	return masks
}

func (t *tuning) Params() []optim.Param {
	params := make([]optim.Param, len(t.entries))
	for i, e := range t.entries {
		params[i] = optim.Param{
			Name: e.parameter.Name, Leaf: e.mask.Values,
			Weight: e.parameter.Tensor, Index: e.mask.Index, Decay: pet.Decays(e.parameter.Name),
		}
	}
	return params
}

func (t *tuning) Count() int64 {
	var n int64
	for _, e := range t.entries {
		n += e.mask.Values.NumEl()
	}
	return n
}

func (t *tuning) Config() any { return t.config }

var _ pet.Merger = (*tuning)(nil)

// Merge takes the hooks away: the weights hold the tuned values already.
func (t *tuning) Merge() error {
	hook(t.model.Registry(), nil)
	return nil
}

// Unmerge puts the base values back.
func (t *tuning) Unmerge() error { return torch.Try(t.restore) }

// Exact is true: the base values at the positions are kept.
func (t *tuning) Exact() bool { return true }

func (t *tuning) restore() {
	for _, e := range t.entries {
		e.parameter.Tensor.Put(e.mask.Index, e.base)
	}
}

func (t *tuning) Detach() {
	hook(t.model.Registry(), nil)
	t.restore()
	for _, e := range t.entries {
		e.mask.Index.Close()
		e.mask.Values.Close()
		e.base.Close()
	}
	t.entries = nil
}

func (t *tuning) Save(s *torch.Scope) []pet.NamedTensor {
	list := make([]pet.NamedTensor, 0, 2*len(t.entries))
	for _, e := range t.entries {
		code := EncodePositions(e.mask.Index.Int64s())
		list = append(list,
			pet.NamedTensor{Name: e.parameter.Name + IndexSuffix, Tensor: torch.FromSlice(s, code, int64(len(code)))},
			pet.NamedTensor{Name: e.parameter.Name + ValuesSuffix, Tensor: e.mask.Values.In(s)})
	}
	return list
}

func (t *tuning) Load(tensors pet.Tensors) error {
	values := make([]pet.TensorSpec, len(t.entries))
	for i, e := range t.entries {
		values[i] = pet.TensorSpec{Name: e.parameter.Name + ValuesSuffix, Shape: e.mask.Values.Shape()}
	}
	if err := pet.CheckTensors(tensors, values); err != nil {
		return err
	}
	for i, e := range t.entries {
		if err := pet.LoadInto(e.mask.Values, tensors, values[i].Name); err != nil {
			return err
		}
		e.parameter.Tensor.Put(e.mask.Index, e.mask.Values)
	}
	return nil
}
