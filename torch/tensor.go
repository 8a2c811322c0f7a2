package torch

import (
	"fmt"
	"unsafe"

	"github.com/gopet-ml/gopet/torch/internal/ctorch"
)

// Tensor is an n-dimensional array on a device. It is freed with its scope.
type Tensor struct {
	handle ctorch.Handle
	scope  *Scope // nil: a parameter, or kept by the caller
	slot   int    // its place in scope.tensors
}

// h is the handle for a call named op.
func (t *Tensor) h(op string) ctorch.Handle {
	if t.handle == 0 {
		scopeError(op, "the tensor was freed: its scope is closed")
	}
	return t.handle
}

// optional is the handle of t, or 0 when t is nil.
func optional(op string, t *Tensor) ctorch.Handle {
	if t == nil {
		return 0
	}
	return t.h(op)
}

// scopeOf is where a result of these operands goes.
func scopeOf(op string, operands ...*Tensor) *Scope {
	var s *Scope
	for _, t := range operands {
		if t != nil {
			t.h(op) // a freed operand is named as such, not as one without a scope
			s = inner(op, s, t.scope)
		}
	}
	if s == nil {
		scopeError(op, "no operand has a scope for the result to join; lend one with Tensor.In")
	}
	s.mustBeOpen(op)
	return s
}

// result runs f into a new tensor of scope s.
func result(s *Scope, f func(out *ctorch.Handle, mode ctorch.Mode) error) *Tensor {
	t := &Tensor{}
	must(f(&t.handle, s.mode))
	s.add(t)
	return t
}

// Close frees t now, before its scope closes; for a parameter it is the only
// way. Closing twice is harmless.
func (t *Tensor) Close() {
	if t == nil || t.handle == 0 {
		return
	}
	if t.scope != nil {
		t.scope.tensors[t.slot] = nil
		t.scope = nil
	}
	ctorch.Free([]ctorch.Handle{t.handle})
	t.handle = 0
}

// Scope is the scope that frees t; nil for parameters.
func (t *Tensor) Scope() *Scope { return t.scope }

// In returns the same tensor, data and gradient included, as a member of s.
func (t *Tensor) In(s *Scope) *Tensor {
	s.mustBeOpen("in")
	return result(s, func(out *ctorch.Handle, _ ctorch.Mode) error { return ctorch.Alias(out, t.h("in")) })
}

// Shape returns the sizes of the dimensions.
func (t *Tensor) Shape() []int64 {
	shape, err := ctorch.Shape(t.h("shape"))
	must(err)
	return shape
}

// Dim returns the size of dimension i; negative i counts from the last.
func (t *Tensor) Dim(i int) int64 {
	shape := t.Shape()
	if i < 0 {
		i += len(shape)
	}
	if i < 0 || i >= len(shape) {
		panic(&Error{Op: "dim", Kind: ctorch.KindIndex, Msg: fmt.Sprintf("dimension %d of shape %v", i, shape)})
	}
	return shape[i]
}

// NumEl returns the number of elements.
func (t *Tensor) NumEl() int64 {
	n := int64(1)
	for _, d := range t.Shape() {
		n *= d
	}
	return n
}

// DType returns the type of the elements.
func (t *Tensor) DType() DType {
	dtype, err := ctorch.DType(t.h("dtype"))
	must(err)
	return DType(dtype)
}

// Device returns where the elements are.
func (t *Tensor) Device() Device {
	device, err := ctorch.Device(t.h("device"))
	must(err)
	return Device(device)
}

// Item returns the only element of t. It waits for the device.
func (t *Tensor) Item() float64 {
	item, err := ctorch.Item(t.h("item"))
	must(err)
	return item
}

// Bytes is the memory of a contiguous tensor on the CPU, little endian. It is
// a view: writing to it writes the tensor, and it must not outlive t.
func (t *Tensor) Bytes() []byte {
	data, err := ctorch.Data(t.h("bytes"))
	must(err)
	return unsafe.Slice((*byte)(data), t.NumEl()*int64(t.DType().Size()))
}

// Float32s copies the elements, in row-major order.
func (t *Tensor) Float32s() []float32 { return copyOut[float32](t, Float32) }

// Float64s copies the elements, in row-major order.
func (t *Tensor) Float64s() []float64 { return copyOut[float64](t, Float64) }

// Int64s copies the elements, in row-major order.
func (t *Tensor) Int64s() []int64 { return copyOut[int64](t, Int64) }

func copyOut[T any](t *Tensor, dtype DType) []T {
	s := NewScope(NoGrad())
	defer s.Close()
	local := t.In(s).To(dtype, CPU).Contiguous()
	data, err := ctorch.Data(local.h("copy"))
	must(err)
	out := make([]T, local.NumEl())
	copy(out, unsafe.Slice((*T)(data), len(out)))
	return out
}

// CopyFrom writes src, of the same shape, into t, converting dtype and device.
// It is not recorded for the backward pass.
func (t *Tensor) CopyFrom(src *Tensor) { must(ctorch.Copy(t.h("copy_"), src.h("copy_"))) }

// Fill sets every element. It is not recorded for the backward pass.
func (t *Tensor) Fill(value float64) { must(ctorch.Fill(t.h("fill_"), value)) }

// String describes t without its elements.
func (t *Tensor) String() string {
	if t.handle == 0 {
		return "Tensor(freed)"
	}
	return fmt.Sprintf("Tensor(%v, %v, %v)", t.Shape(), t.DType(), t.Device())
}
