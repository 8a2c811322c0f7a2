package ctorch

// #include "gopet_torch.h"
import "C"

import "unsafe"

// LinearTerm is a linear layer and what is tuned in it; see gt_linear_term.
type LinearTerm struct {
	Weight, Bias, Values, Index, A, B Handle
	Scale                             float64
}

// The two must have one layout: a slice of LinearTerm is passed as it is.
var _ [unsafe.Sizeof(LinearTerm{})]byte = [unsafe.Sizeof(C.gt_linear_term{})]byte{}

// FusedLinearOptions say what stands around the layers; see
// gt_fused_linear_options.
type FusedLinearOptions struct {
	Activation                     int32
	Gated                          bool
	Residual, NormWeight, NormBias Handle
	Eps                            float64
}

// FusedLinear is norm(second(act(first(x))) + residual); layers are the first
// ones, then second ones.
func FusedLinear(out *Handle, mode Mode, x Handle, layers []LinearTerm, second int, o FusedLinearOptions) error {
	options := C.gt_fused_linear_options{
		activation: C.int32_t(o.Activation), gated: cBool(o.Gated), residual: C.gt_tensor(o.Residual),
		norm_weight: C.gt_tensor(o.NormWeight), norm_bias: C.gt_tensor(o.NormBias), eps: C.double(o.Eps),
	}
	return check("fused_linear", C.gt_fused_linear(cOut(out), C.int32_t(mode), C.gt_tensor(x),
		(*C.gt_linear_term)(unsafe.Pointer(unsafe.SliceData(layers))), C.size_t(len(layers)-second), C.size_t(second), &options))
}
