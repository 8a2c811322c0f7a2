package ctorch

// #include "gopet_torch.h"
import "C"

// LowRankLinear is at::linear plus a scaled low-rank product.
func LowRankLinear(out *Handle, mode Mode, x, weight, bias, a, b Handle, scale float64) error {
	return check("low_rank_linear", C.gt_low_rank_linear(cOut(out), C.int32_t(mode), C.gt_tensor(x), C.gt_tensor(weight), C.gt_tensor(bias), C.gt_tensor(a), C.gt_tensor(b), C.double(scale)))
}
