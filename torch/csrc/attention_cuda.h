// Attention on a GPU: our kernel, which looks a bias up, and libtorch's flash attention without
// one.
#pragma once

#include "packed_attention.h"

namespace gopet {

// Whether our kernel computes this: with a bias, without dropout, heads of 32, 64 or 128.
bool has_attention_cuda(const AttentionTensors &t, const PackedAttention &o);

// As attention_forward and attention_backward of attention_tasks.h, for q, k and v whose heads lie
// one behind another; backward needs the result, too. logsumexp is [heads, queries]. Gradients have
// the strides of what they are of.
at::Tensor attention_cuda_forward(const AttentionTensors &t, const PackedAttention &o,
                                  at::Tensor &logsumexp);
void attention_cuda_backward(const AttentionTensors &t, const PackedAttention &o,
                             const at::Tensor &out, const at::Tensor &logsumexp,
                             const at::Tensor &dout, bool wants_bias, AttentionTensors &d);

// Whether flash attention computes this: 16-bit, no bias, causal only among equal lengths.
bool has_flash_attention(const AttentionTensors &t, const PackedAttention &o);

// The result [queries, heads * dim], recorded for backward by libtorch.
at::Tensor flash_attention(const AttentionTensors &t, const PackedAttention &o);

}  // namespace gopet
