package torch

import "github.com/gopet-ml/gopet/torch/internal/ctorch"

// sized runs an operation that takes a list of integers.
func (t *Tensor) sized(op string, f func(*ctorch.Handle, ctorch.Mode, ctorch.Handle, []int64) error, values []int64) *Tensor {
	return result(scopeOf(op, t), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return f(out, mode, t.h(op), values)
	})
}

// Reshape returns the elements in another shape; one size may be -1.
func (t *Tensor) Reshape(shape ...int64) *Tensor { return t.sized("reshape", ctorch.Reshape, shape) }

// Expand repeats dimensions of size 1 without copying; -1 keeps a size.
func (t *Tensor) Expand(shape ...int64) *Tensor { return t.sized("expand", ctorch.Expand, shape) }

// Permute reorders the dimensions.
func (t *Tensor) Permute(dims ...int64) *Tensor { return t.sized("permute", ctorch.Permute, dims) }

// Transpose swaps two dimensions.
func (t *Tensor) Transpose(d0, d1 int64) *Tensor {
	return result(scopeOf("transpose", t), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.Transpose(out, mode, t.h("transpose"), d0, d1)
	})
}

// Unsqueeze inserts a dimension of size 1 at dim.
func (t *Tensor) Unsqueeze(dim int64) *Tensor { return t.along("unsqueeze", ctorch.Unsqueeze, dim) }

// Squeeze removes dimension dim if its size is 1.
func (t *Tensor) Squeeze(dim int64) *Tensor { return t.along("squeeze", ctorch.Squeeze, dim) }

// Contiguous returns t, or a copy of it in row-major order.
func (t *Tensor) Contiguous() *Tensor { return t.unary("contiguous", ctorch.Contiguous) }

// Detach returns the same data, cut off from the backward pass.
func (t *Tensor) Detach() *Tensor { return t.unary("detach", ctorch.Detach) }

// Clone copies t; the copy takes part in the backward pass.
func (t *Tensor) Clone() *Tensor { return t.unary("clone", ctorch.Clone) }

// To converts to a dtype on a device; t itself when it already is so.
func (t *Tensor) To(dtype DType, device Device) *Tensor {
	return result(scopeOf("to", t), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.To(out, mode, t.h("to"), int32(dtype), int32(device))
	})
}

// ToDType converts the elements, on the same device.
func (t *Tensor) ToDType(dtype DType) *Tensor { return t.To(dtype, t.Device()) }

// AtLeastFloat32 converts half precisions and leaves others as they are.
func (t *Tensor) AtLeastFloat32() *Tensor {
	if t.DType().Size() < Float32.Size() {
		return t.ToDType(Float32)
	}
	return t
}

// ToDevice moves the elements, keeping their type.
func (t *Tensor) ToDevice(device Device) *Tensor { return t.To(t.DType(), device) }

// Narrow is the part of t from start, length long, along dim: a view.
func (t *Tensor) Narrow(dim, start, length int64) *Tensor {
	return result(scopeOf("narrow", t), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.Narrow(out, mode, t.h("narrow"), dim, start, length)
	})
}

// Select is the slice of t at index along dim, which goes away: a view.
func (t *Tensor) Select(dim, index int64) *Tensor {
	return result(scopeOf("select", t), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.Select(out, mode, t.h("select"), dim, index)
	})
}

// IndexSelect copies the slices of t at index (int64, one dimension) along dim.
func (t *Tensor) IndexSelect(dim int64, index *Tensor) *Tensor {
	return result(scopeOf("index_select", t, index), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.IndexSelect(out, mode, t.h("index_select"), dim, index.h("index_select"))
	})
}

// Gather picks along dim the elements that index (int64, of the result's
// shape) names.
func (t *Tensor) Gather(dim int64, index *Tensor) *Tensor {
	return result(scopeOf("gather", t, index), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.Gather(out, mode, t.h("gather"), dim, index.h("gather"))
	})
}

// Cat joins tensors along an existing dimension.
func Cat(dim int64, tensors ...*Tensor) *Tensor { return join("cat", ctorch.Cat, dim, tensors) }

// Stack joins tensors of one shape along a new dimension.
func Stack(dim int64, tensors ...*Tensor) *Tensor { return join("stack", ctorch.Stack, dim, tensors) }

func join(op string, f func(*ctorch.Handle, ctorch.Mode, []ctorch.Handle, int64) error, dim int64, tensors []*Tensor) *Tensor {
	return result(scopeOf(op, tensors...), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return f(out, mode, handles(op, tensors), dim)
	})
}

func handles(op string, tensors []*Tensor) []ctorch.Handle {
	list := make([]ctorch.Handle, len(tensors))
	for i, t := range tensors {
		list[i] = t.h(op)
	}
	return list
}
