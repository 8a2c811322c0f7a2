package pet

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/optim"
)

// Leaf is a parameter that a method adds to a model. It is float32 whatever
// the base is (float64 beside a float64 base), and belongs to no scope.
type Leaf struct {
	Name   string // in adapter files
	Tensor *torch.Tensor
}

// NewLeaf makes a parameter of values in row-major order, on the model's
// device.
func NewLeaf(m Model, name string, values []float32, shape ...int64) Leaf {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	dtype := torch.Float32
	if m.Registry().DType() == torch.Float64 {
		dtype = torch.Float64
	}
	t := torch.FromSlice(s, values, shape...).To(dtype, m.Registry().Device())
	return Leaf{Name: name, Tensor: s.Keep(t).SetRequiresGrad(true)}
}

// As is the parameter for arithmetic with x: in its scope and dtype.
func (l Leaf) As(x *torch.Tensor) *torch.Tensor { return l.Tensor.In(x.Scope()).ToDType(x.DType()) }

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

// LoadInto copies a tensor of an adapter file over t, which must have its
// shape.
func LoadInto(t *torch.Tensor, tensors Tensors, name string) error {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	saved, err := tensors.Read(s, name)
	if err != nil {
		return err
	}
	if got, want := saved.Shape(), t.Shape(); !slices.Equal(got, want) {
		return fmt.Errorf("tensor %q has shape %v, want %v", name, got, want)
	}
	t.CopyFrom(saved)
	return nil
}

// Random draws the initial values of the parameter of a name: the same for the
// same seed, in whatever order parameters are made.
func Random(seed uint64, name string) *rand.Rand {
	hash := fnv.New64a()
	hash.Write([]byte(name))
	return rand.New(rand.NewPCG(seed, hash.Sum64()))
}

// Normal draws n values from N(0, std).
func Normal(r *rand.Rand, n int64, std float64) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(std * r.NormFloat64())
	}
	return values
}

// Uniform draws n values from [-bound, bound).
func Uniform(r *rand.Rand, n int64, bound float64) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(bound * (2*r.Float64() - 1))
	}
	return values
}
