package torch

import "github.com/gopet-ml/gopet/torch/internal/ctorch"

// LinearCrossEntropy is CrossEntropy of targets (int64 [tokens]) under the
// logits Linear(hidden, weight, nil), for hidden [tokens, dim] and weight
// [classes, dim]: the loss of a language model. Targets of -100 count for
// nothing. The result is float32, float64 for operands of float64.
//
// Where weight is frozen, on the CPU, the logits are never stored: a chunk of
// tokens at a time, they become losses and the gradient for hidden.
func LinearCrossEntropy(hidden, weight, targets *Tensor, reduction Reduction) *Tensor {
	const op = "linear_cross_entropy"
	return result(scopeOf(op, hidden, weight, targets), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.LinearCrossEntropy(out, mode, hidden.h(op), weight.h(op), targets.h(op), int32(reduction))
	})
}
