package ctorch

// #include "gopet_torch.h"
import "C"

// Reshape wraps at::reshape.
func Reshape(out *Handle, mode Mode, a Handle, shape []int64) error {
	return check("reshape", C.gt_reshape(cOut(out), C.int32_t(mode), C.gt_tensor(a), cInts(shape), cLen(shape)))
}

// Expand wraps at::Tensor::expand.
func Expand(out *Handle, mode Mode, a Handle, shape []int64) error {
	return check("expand", C.gt_expand(cOut(out), C.int32_t(mode), C.gt_tensor(a), cInts(shape), cLen(shape)))
}

// Permute wraps at::permute.
func Permute(out *Handle, mode Mode, a Handle, dims []int64) error {
	return check("permute", C.gt_permute(cOut(out), C.int32_t(mode), C.gt_tensor(a), cInts(dims), cLen(dims)))
}

// Transpose wraps at::transpose.
func Transpose(out *Handle, mode Mode, a Handle, d0, d1 int64) error {
	return check("transpose", C.gt_transpose(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.int64_t(d0), C.int64_t(d1)))
}

// Unsqueeze wraps at::unsqueeze.
func Unsqueeze(out *Handle, mode Mode, a Handle, dim int64) error {
	return check("unsqueeze", C.gt_unsqueeze(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.int64_t(dim)))
}

// Squeeze wraps at::squeeze of one dimension.
func Squeeze(out *Handle, mode Mode, a Handle, dim int64) error {
	return check("squeeze", C.gt_squeeze(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.int64_t(dim)))
}

// Contiguous wraps at::Tensor::contiguous.
func Contiguous(out *Handle, mode Mode, a Handle) error {
	return check("contiguous", C.gt_contiguous(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// Detach wraps at::detach.
func Detach(out *Handle, mode Mode, a Handle) error {
	return check("detach", C.gt_detach(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// Narrow wraps at::narrow.
func Narrow(out *Handle, mode Mode, a Handle, dim, start, length int64) error {
	return check("narrow", C.gt_narrow(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.int64_t(dim), C.int64_t(start), C.int64_t(length)))
}

// Select wraps at::select.
func Select(out *Handle, mode Mode, a Handle, dim, index int64) error {
	return check("select", C.gt_select(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.int64_t(dim), C.int64_t(index)))
}

// IndexSelect wraps at::index_select.
func IndexSelect(out *Handle, mode Mode, a Handle, dim int64, index Handle) error {
	return check("index_select", C.gt_index_select(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.int64_t(dim), C.gt_tensor(index)))
}

// Gather wraps at::gather.
func Gather(out *Handle, mode Mode, a Handle, dim int64, index Handle) error {
	return check("gather", C.gt_gather(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.int64_t(dim), C.gt_tensor(index)))
}

// Cat wraps at::cat.
func Cat(out *Handle, mode Mode, tensors []Handle, dim int64) error {
	return check("cat", C.gt_cat(cOut(out), C.int32_t(mode), cHandles(tensors), cLen(tensors), C.int64_t(dim)))
}

// Stack wraps at::stack.
func Stack(out *Handle, mode Mode, tensors []Handle, dim int64) error {
	return check("stack", C.gt_stack(cOut(out), C.int32_t(mode), cHandles(tensors), cLen(tensors), C.int64_t(dim)))
}
