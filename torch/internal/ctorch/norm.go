package ctorch

// #include "gopet_torch.h"
import "C"

// LayerNorm is at::layer_norm over the last dimension; bias may be 0.
func LayerNorm(out *Handle, mode Mode, x, weight, bias Handle, eps float64) error {
	return check("layer_norm", C.gt_layer_norm(cOut(out), C.int32_t(mode), C.gt_tensor(x), C.gt_tensor(weight), C.gt_tensor(bias), C.double(eps)))
}

// RMSNorm is at::rms_norm over the last dimension, in the weight's dtype.
func RMSNorm(out *Handle, mode Mode, x, weight Handle, eps float64) error {
	return check("rms_norm", C.gt_rms_norm(cOut(out), C.int32_t(mode), C.gt_tensor(x), C.gt_tensor(weight), C.double(eps)))
}

// AddLayerNorm is LayerNorm of x + residual; bias may be 0.
func AddLayerNorm(out *Handle, mode Mode, x, residual, weight, bias Handle, eps float64) error {
	return check("add_layer_norm", C.gt_add_layer_norm(cOut(out), C.int32_t(mode), C.gt_tensor(x), C.gt_tensor(residual), C.gt_tensor(weight), C.gt_tensor(bias), C.double(eps)))
}

// AddRMSNorm writes x + residual and RMSNorm of it.
func AddRMSNorm(sum, normed *Handle, mode Mode, x, residual, weight Handle, eps float64) error {
	return check("add_rms_norm", C.gt_add_rms_norm(cOut(sum), cOut(normed), C.int32_t(mode), C.gt_tensor(x), C.gt_tensor(residual), C.gt_tensor(weight), C.double(eps)))
}
