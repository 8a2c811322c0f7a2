package ctorch

// #include "gopet_torch.h"
import "C"

// PackLinear wraps mkldnn::_reorder_linear_weight.
func PackLinear(out *Handle, weight Handle, rows int64) error {
	return check("pack_linear", C.gt_pack_linear(cOut(out), C.gt_tensor(weight), C.int64_t(rows)))
}

// PackedLinear wraps mkldnn::_linear_pointwise.
func PackedLinear(out *Handle, x, packed Handle) error {
	return check("packed_linear", C.gt_packed_linear(cOut(out), C.gt_tensor(x), C.gt_tensor(packed)))
}
