package pet

import (
	"encoding/binary"
	"math"

	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/optim"
)

// Leaf is an added parameter. It is float32 whatever the base is (float64
// beside a float64 base), and belongs to no scope.
type Leaf struct {
	Name   string // in adapter files
	Tensor *torch.Tensor
}

// As is the parameter for arithmetic with x: in its scope and dtype.
func (l Leaf) As(x *torch.Tensor) *torch.Tensor { return l.Tensor.In(x.Scope()).ToDType(x.DType()) }

// NewLeaves makes what a list describes, on the model's device. A value depends
// on the seed and the parameter's name alone.
func NewLeaves(m Model, seed uint64, list []TensorSpec) (Leaves, error) {
	return makeLeaves(m, list, func(s *torch.Scope, spec TensorSpec) (*torch.Tensor, error) {
		if spec.Draw == nil {
			return torch.Zeros(s, torch.Float32, spec.Shape...), nil
		}
		t, r := torch.Empty(s, torch.Float32, spec.Shape...), NewRandom(seed, spec.Name)
		for bytes := t.Bytes(); len(bytes) > 0; bytes = bytes[4:] {
			binary.LittleEndian.PutUint32(bytes, math.Float32bits(float32(spec.Draw(r))))
		}
		return t, nil
	})
}

// ReadLeaves makes what a list describes with the values of an adapter file.
func ReadLeaves(m Model, tensors Tensors, list []TensorSpec) (Leaves, error) {
	return makeLeaves(m, list, func(s *torch.Scope, spec TensorSpec) (*torch.Tensor, error) { return spec.read(s, tensors) })
}

// makeLeaves makes all of them or none.
func makeLeaves(m Model, list []TensorSpec, values func(*torch.Scope, TensorSpec) (*torch.Tensor, error)) (leaves Leaves, err error) {
	dtype := torch.Float32
	if m.Registry().DType() == torch.Float64 {
		dtype = torch.Float64
	}
	add := func(spec TensorSpec) error {
		s := torch.NewScope(torch.NoGrad())
		defer s.Close()
		t, err := values(s, spec)
		if err == nil {
			leaves = append(leaves, Leaf{spec.Name, s.Keep(t.To(dtype, m.Registry().Device())).SetRequiresGrad(true)})
		}
		return err
	}
	err = torchErr(func() error {
		for _, spec := range list {
			if err := add(spec); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		leaves.Close()
		return nil, err
	}
	return leaves, nil
}

// Leaves are the parameters of a tuning, in order. They do what a Tuning that
// learns nothing else owes.
type Leaves []Leaf

// Params lists them for the optimizer.
func (l Leaves) Params() []optim.Param {
	params := make([]optim.Param, len(l))
	for i, leaf := range l {
		params[i] = optim.Param{Name: leaf.Name, Leaf: leaf.Tensor, Decay: Decays(leaf.Name)}
	}
	return params
}

// Count is the number of their entries.
func (l Leaves) Count() int64 {
	var n int64
	for _, leaf := range l {
		n += leaf.Tensor.NumEl()
	}
	return n
}

// Save lists them as members of s.
func (l Leaves) Save(s *torch.Scope) []NamedTensor {
	list := make([]NamedTensor, len(l))
	for i, leaf := range l {
		list[i] = NamedTensor{Name: leaf.Name, Tensor: leaf.Tensor.In(s)}
	}
	return list
}

// Load replaces their values.
func (l Leaves) Load(tensors Tensors) error {
	for _, leaf := range l {
		if err := LoadInto(leaf.Tensor, tensors, leaf.Name); err != nil {
			return err
		}
	}
	return nil
}

// Close frees them.
func (l Leaves) Close() {
	for _, leaf := range l {
		leaf.Tensor.Close()
	}
}
