package ctorch

// #include "gopet_torch.h"
import "C"

import "unsafe"

// Empty allocates a tensor without setting its elements.
func Empty(out *Handle, shape []int64, dtype, device int32) error {
	return check("empty", C.gt_empty(cOut(out), cInts(shape), cLen(shape), C.int32_t(dtype), C.int32_t(device)))
}

// Full allocates a tensor of one value.
func Full(out *Handle, shape []int64, dtype, device int32, value float64) error {
	return check("full", C.gt_full(cOut(out), cInts(shape), cLen(shape), C.int32_t(dtype), C.int32_t(device), C.double(value)))
}

// Arange makes 0, 1, ..., n-1.
func Arange(out *Handle, n int64, dtype, device int32) error {
	return check("arange", C.gt_arange(cOut(out), C.int64_t(n), C.int32_t(dtype), C.int32_t(device)))
}

// Normal draws from a normal distribution with a generator of its own.
func Normal(out *Handle, shape []int64, dtype, device int32, mean, std float64, seed uint64) error {
	return check("normal", C.gt_normal(cOut(out), cInts(shape), cLen(shape), C.int32_t(dtype), C.int32_t(device), C.double(mean), C.double(std), C.uint64_t(seed)))
}

// Free gives up the handles, all in one call.
func Free(handles []Handle) { C.gt_tensor_free(cHandles(handles), cLen(handles)) }

// Alias makes another handle of the same tensor.
func Alias(out *Handle, a Handle) error {
	return check("alias", C.gt_alias(cOut(out), C.gt_tensor(a)))
}

// Shape returns the sizes of the dimensions.
func Shape(a Handle) ([]int64, error) {
	var ndim C.int64_t
	if err := check("dim", C.gt_ndim(&ndim, C.gt_tensor(a))); err != nil {
		return nil, err
	}
	shape := make([]int64, ndim)
	return shape, check("sizes", C.gt_shape(cInts(shape), cLen(shape), C.gt_tensor(a)))
}

// DType returns the c10::ScalarType.
func DType(a Handle) (int32, error) {
	var dtype C.int32_t
	err := check("dtype", C.gt_dtype(&dtype, C.gt_tensor(a)))
	return int32(dtype), err
}

// Device returns -1 for the CPU, else the number of the CUDA device.
func Device(a Handle) (int32, error) {
	var device C.int32_t
	err := check("device", C.gt_device(&device, C.gt_tensor(a)))
	return int32(device), err
}

// IsContiguous reports whether the elements lie in row-major order without gaps.
func IsContiguous(a Handle) (bool, error) {
	var contiguous C.int32_t
	err := check("is_contiguous", C.gt_is_contiguous(&contiguous, C.gt_tensor(a)))
	return contiguous != 0, err
}

// Data returns the address of a contiguous CPU tensor's first element.
func Data(a Handle) (unsafe.Pointer, error) {
	var data unsafe.Pointer
	err := check("data_ptr", C.gt_data(&data, C.gt_tensor(a)))
	return data, err
}

// Item returns the only element of a tensor.
func Item(a Handle) (float64, error) {
	var item C.double
	err := check("item", C.gt_item(&item, C.gt_tensor(a)))
	return float64(item), err
}

// To converts to a dtype and device.
func To(out *Handle, mode Mode, a Handle, dtype, device int32) error {
	return check("to", C.gt_to(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.int32_t(dtype), C.int32_t(device)))
}

// Clone copies a tensor.
func Clone(out *Handle, mode Mode, a Handle) error {
	return check("clone", C.gt_clone(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// Copy writes src into dst, of the same shape.
func Copy(dst, src Handle) error {
	return check("copy_", C.gt_copy_(C.gt_tensor(dst), C.gt_tensor(src)))
}

// Fill sets every element.
func Fill(a Handle, value float64) error {
	return check("fill_", C.gt_fill_(C.gt_tensor(a), C.double(value)))
}
