package ctorch

// #include "gopet_torch.h"
import "C"

// LinearCrossEntropy is CrossEntropy of the logits hidden weight^T.
func LinearCrossEntropy(out *Handle, mode Mode, hidden, weight, targets Handle, reduction int32) error {
	return check("linear_cross_entropy", C.gt_linear_cross_entropy(cOut(out), C.int32_t(mode), C.gt_tensor(hidden), C.gt_tensor(weight), C.gt_tensor(targets), C.int32_t(reduction)))
}
