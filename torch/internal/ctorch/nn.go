package ctorch

// #include "gopet_torch.h"
import "C"

// Linear wraps at::linear; bias may be 0.
func Linear(out *Handle, mode Mode, x, weight, bias Handle) error {
	return check("linear", C.gt_linear(cOut(out), C.int32_t(mode), C.gt_tensor(x), C.gt_tensor(weight), C.gt_tensor(bias)))
}

// Embedding wraps at::embedding.
func Embedding(out *Handle, mode Mode, weight, ids Handle) error {
	return check("embedding", C.gt_embedding(cOut(out), C.int32_t(mode), C.gt_tensor(weight), C.gt_tensor(ids)))
}

// Dropout wraps at::dropout in training.
func Dropout(out *Handle, mode Mode, a Handle, p float64) error {
	return check("dropout", C.gt_dropout(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.double(p)))
}

// Attention wraps at::scaled_dot_product_attention; mask may be 0.
func Attention(out *Handle, mode Mode, q, k, v, mask Handle, dropout float64, causal bool, scale float64) error {
	return check("scaled_dot_product_attention", C.gt_attention(cOut(out), C.int32_t(mode), C.gt_tensor(q), C.gt_tensor(k), C.gt_tensor(v), C.gt_tensor(mask), C.double(dropout), cBool(causal), C.double(scale)))
}

// CrossEntropy wraps at::cross_entropy_loss; classWeights may be 0.
func CrossEntropy(out *Handle, mode Mode, logits, targets, classWeights Handle, reduction int32) error {
	return check("cross_entropy_loss", C.gt_cross_entropy(cOut(out), C.int32_t(mode), C.gt_tensor(logits), C.gt_tensor(targets), C.gt_tensor(classWeights), C.int32_t(reduction)))
}
