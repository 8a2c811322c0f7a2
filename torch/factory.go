package torch

import (
	"fmt"
	"unsafe"

	"github.com/gopet-ml/gopet/torch/internal/ctorch"
)

// create runs f into a tensor of scope s, or of nobody when s is nil.
func create(s *Scope, f func(out *ctorch.Handle) error) *Tensor {
	if s != nil {
		s.mustBeOpen("create")
		return result(s, func(out *ctorch.Handle, _ ctorch.Mode) error { return f(out) })
	}
	t := &Tensor{}
	must(f(&t.handle))
	return t
}

// Empty allocates a tensor on the CPU without setting its elements. As in
// every factory, a nil scope leaves the tensor to the caller to close.
func Empty(s *Scope, dtype DType, shape ...int64) *Tensor {
	return EmptyOn(s, CPU, dtype, shape...)
}

// EmptyOn is Empty on a device. On Meta nothing is allocated.
func EmptyOn(s *Scope, device Device, dtype DType, shape ...int64) *Tensor {
	return create(s, func(out *ctorch.Handle) error {
		return ctorch.Empty(out, shape, int32(dtype), int32(device))
	})
}

// Full makes a tensor of one value on the CPU.
func Full(s *Scope, value float64, dtype DType, shape ...int64) *Tensor {
	return create(s, func(out *ctorch.Handle) error {
		return ctorch.Full(out, shape, int32(dtype), int32(CPU), value)
	})
}

// Zeros makes a tensor of zeros on the CPU.
func Zeros(s *Scope, dtype DType, shape ...int64) *Tensor { return Full(s, 0, dtype, shape...) }

// Ones makes a tensor of ones on the CPU.
func Ones(s *Scope, dtype DType, shape ...int64) *Tensor { return Full(s, 1, dtype, shape...) }

// Arange makes 0, 1, ..., n-1 on the CPU.
func Arange(s *Scope, n int64, dtype DType) *Tensor {
	return create(s, func(out *ctorch.Handle) error {
		return ctorch.Arange(out, n, int32(dtype), int32(CPU))
	})
}

// Normal draws from a normal distribution, on the CPU, by a generator of its
// own: the same seed gives the same numbers, whatever else is drawn.
func Normal(s *Scope, mean, std float64, seed uint64, dtype DType, shape ...int64) *Tensor {
	return create(s, func(out *ctorch.Handle) error {
		return ctorch.Normal(out, shape, int32(dtype), int32(CPU), mean, std, seed)
	})
}

// Element is what a slice that becomes a tensor may hold.
type Element interface {
	float32 | float64 | int64 | int32 | uint8 | bool
}

// FromSlice copies data, in row-major order, into a tensor on the CPU.
func FromSlice[T Element](s *Scope, data []T, shape ...int64) *Tensor {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	if n != int64(len(data)) {
		panic(&Error{Op: "from_slice", Kind: ctorch.KindValue, Msg: sizeMismatch(len(data), shape)})
	}
	t := Empty(s, dtypeOf[T](), shape...)
	if n > 0 {
		copy(t.Bytes(), unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), n*int64(t.DType().Size())))
	}
	return t
}

func dtypeOf[T Element]() DType {
	var zero T
	switch any(zero).(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case int64:
		return Int64
	case int32:
		return Int32
	case uint8:
		return Uint8
	default:
		return Bool
	}
}

func sizeMismatch(n int, shape []int64) string {
	return fmt.Sprintf("%d elements for shape %v", n, shape)
}
