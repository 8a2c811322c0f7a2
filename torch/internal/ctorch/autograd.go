package ctorch

// #include "gopet_torch.h"
import "C"

// SetRequiresGrad marks a leaf as wanting a gradient or not.
func SetRequiresGrad(a Handle, on bool) error {
	return check("requires_grad_", C.gt_set_requires_grad(C.gt_tensor(a), cBool(on)))
}

// RequiresGrad reports whether a gradient flows to a.
func RequiresGrad(a Handle) (bool, error) {
	var on C.int32_t
	err := check("requires_grad", C.gt_requires_grad(&on, C.gt_tensor(a)))
	return on != 0, err
}

// Backward runs the backward pass from loss; gradient may be 0 for a scalar.
func Backward(loss, gradient Handle) error {
	return check("backward", C.gt_backward(C.gt_tensor(loss), C.gt_tensor(gradient)))
}

// Grad writes the gradient of a leaf, or 0 when it has none.
func Grad(out *Handle, a Handle) error {
	return check("grad", C.gt_grad(cOut(out), C.gt_tensor(a)))
}

// ClearGrads drops the gradients of leaves, all in one call.
func ClearGrads(tensors []Handle) error {
	return check("zero_grad", C.gt_clear_grads(cHandles(tensors), cLen(tensors)))
}
