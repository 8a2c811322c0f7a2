package ctorch

// #include "gopet_torch.h"
import "C"

import "unsafe"

// AdamWParam is one parameter of an AdamW step; see gt_adamw_param.
type AdamWParam struct {
	Leaf, Master, ExpAvg, ExpAvgSq, Weight, Index Handle
	WeightDecay                                   float64
}

// The two must have one layout: a slice of AdamWParam is passed as it is.
var _ [unsafe.Sizeof(AdamWParam{})]byte = [unsafe.Sizeof(C.gt_adamw_param{})]byte{}

// AdamWOptions are the numbers of one step; see gt_adamw_options.
type AdamWOptions struct {
	LR, Beta1, Beta2, Eps, MaxNorm float64
	Step                           int64
}

// AdamW clips, updates and writes through every parameter, in one call. When
// the norm of the gradients is not finite it changes nothing and says so.
func AdamW(params []AdamWParam, o AdamWOptions) (gradNorm float64, skipped bool, err error) {
	options := C.gt_adamw_options{
		lr: C.double(o.LR), beta1: C.double(o.Beta1), beta2: C.double(o.Beta2), eps: C.double(o.Eps),
		max_norm: C.double(o.MaxNorm), step: C.int64_t(o.Step),
	}
	var result C.gt_adamw_result
	err = check("adamw", C.gt_adamw(&result, (*C.gt_adamw_param)(unsafe.Pointer(unsafe.SliceData(params))), cLen(params), &options))
	return float64(result.grad_norm), result.skipped != 0, err
}
