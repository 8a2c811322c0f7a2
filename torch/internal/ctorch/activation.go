package ctorch

// #include "gopet_torch.h"
import "C"

// GELU is at::gelu, exact or by its tanh approximation.
func GELU(out *Handle, mode Mode, a Handle, tanh bool) error {
	return check("gelu", C.gt_gelu(cOut(out), C.int32_t(mode), C.gt_tensor(a), cBool(tanh)))
}

// GatedActivation is act(gate) x, by the activation's number.
func GatedActivation(out *Handle, mode Mode, gate, x Handle, activation int32) error {
	return check("gated_activation", C.gt_gated_activation(cOut(out), C.int32_t(mode), C.gt_tensor(gate), C.gt_tensor(x), C.int32_t(activation)))
}
