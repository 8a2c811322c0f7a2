// Attention on the CPU: the kernel over all sequences and heads, on all threads.
//
// A task is one head of one sequence, and alone writes what it computes; so
// results don't depend on the number of threads.
#pragma once

#include "packed_attention.h"

namespace gopet {

// Whether the kernel computes in t's dtype, on its device.
bool has_attention_kernel(const at::Tensor &t);

// The result, [queries, heads * dim]. Writes to `softmax` what backward needs
// to know of it: [2, heads, queries], of each row of scores the largest and
// the inverse of the sum.
at::Tensor attention_forward(const AttentionTensors &t, const PackedAttention &o,
                             at::Tensor &softmax);

// Writes the gradients that are defined in `d`, through their strides; that of
// the bias is made where it is wanted.
void attention_backward(const AttentionTensors &t, const PackedAttention &o,
                        const at::Tensor &softmax, const at::Tensor &dout, bool wants_bias,
                        AttentionTensors &d);

}  // namespace gopet
