package ctorch

// #include "gopet_torch.h"
import "C"

// MaskedLinear is at::linear whose weight gradient is taken at index only.
func MaskedLinear(out *Handle, mode Mode, x, weight, bias, values, index Handle) error {
	return check("masked_linear", C.gt_masked_linear(cOut(out), C.int32_t(mode), C.gt_tensor(x), C.gt_tensor(weight), C.gt_tensor(bias), C.gt_tensor(values), C.gt_tensor(index)))
}

// MaskedEmbedding is at::embedding whose table gradient is taken at index only.
func MaskedEmbedding(out *Handle, mode Mode, weight, ids, values, index Handle) error {
	return check("masked_embedding", C.gt_masked_embedding(cOut(out), C.int32_t(mode), C.gt_tensor(weight), C.gt_tensor(ids), C.gt_tensor(values), C.gt_tensor(index)))
}

// MaskedParameter is a parameter whose gradient is taken at index only.
func MaskedParameter(out *Handle, mode Mode, weight, values, index Handle) error {
	return check("masked_parameter", C.gt_masked_parameter(cOut(out), C.int32_t(mode), C.gt_tensor(weight), C.gt_tensor(values), C.gt_tensor(index)))
}

// MaskedGradient computes the entries at index of dy^T x.
func MaskedGradient(out *Handle, dy, x, index Handle) error {
	return check("masked_gradient", C.gt_masked_gradient(cOut(out), C.gt_tensor(dy), C.gt_tensor(x), C.gt_tensor(index)))
}

// Take copies the entries of weight at flat positions.
func Take(out *Handle, weight, index Handle) error {
	return check("take", C.gt_take(cOut(out), C.gt_tensor(weight), C.gt_tensor(index)))
}

// Put writes values to the flat positions of weight.
func Put(weight, index, values Handle) error {
	return check("put_", C.gt_put_(C.gt_tensor(weight), C.gt_tensor(index), C.gt_tensor(values)))
}
