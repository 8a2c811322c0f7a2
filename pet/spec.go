package pet

import (
	"fmt"
	"math"
	"slices"

	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// TensorSpec describes a tensor of an adapter file: a parameter that a method
// adds to a model, or one of the model's own.
type TensorSpec struct {
	Name  string
	Shape []int64
	Draw  Draw // of an added parameter's first values; nil for zeros
}

// Stored describes parameters of the model's own.
func Stored(parameters []*nn.Parameter) []TensorSpec {
	list := make([]TensorSpec, len(parameters))
	for i, p := range parameters {
		list[i] = TensorSpec{Name: p.Name, Shape: p.Tensor.Shape()}
	}
	return list
}

// CountEntries is the number of entries that a list describes.
func CountEntries(list []TensorSpec) int64 {
	var n int64
	for _, spec := range list {
		n += spec.NumEl()
	}
	return n
}

// NumEl is the number of entries.
func (spec TensorSpec) NumEl() int64 {
	n := int64(1)
	for _, d := range spec.Shape {
		n *= d
	}
	return n
}

// CheckSize refuses a size that a user gave: it must be positive, and small
// enough to be multiplied by a model's.
func CheckSize(what string, n int64) error {
	if n < 1 || n > math.MaxInt32 {
		return fmt.Errorf("%s %d: want 1 to %d", what, n, math.MaxInt32)
	}
	return nil
}

// read returns the tensor of an adapter file that must fit the description.
func (spec TensorSpec) read(s *torch.Scope, tensors Tensors) (*torch.Tensor, error) {
	t, err := tensors.Read(s, spec.Name)
	if err != nil {
		return nil, err
	}
	if got := t.Shape(); !slices.Equal(got, spec.Shape) {
		return nil, fmt.Errorf("tensor %q has shape %v, this model wants %v", spec.Name, got, spec.Shape)
	}
	if !t.DType().IsFloatingPoint() {
		return nil, fmt.Errorf("tensor %q is %v, want floats", spec.Name, t.DType())
	}
	return t, nil
}

// CheckTensors reports the first tensor that an adapter file lacks or holds in
// another shape than the list says.
func CheckTensors(tensors Tensors, list []TensorSpec) error {
	return torchErr(func() error {
		for _, spec := range list {
			if err := spec.check(tensors); err != nil {
				return err
			}
		}
		return nil
	})
}

func (spec TensorSpec) check(tensors Tensors) error {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	_, err := spec.read(s, tensors)
	return err
}

// LoadInto copies the tensor of that name in an adapter file over t.
func LoadInto(t *torch.Tensor, tensors Tensors, name string) error {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	saved, err := TensorSpec{Name: name, Shape: t.Shape()}.read(s, tensors)
	if err != nil {
		return err
	}
	t.CopyFrom(saved)
	return nil
}
