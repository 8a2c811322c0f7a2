// Attention within the sequences of a packed batch, composed from libtorch's operations.
#pragma once

#include <ATen/ATen.h>

#include "packed_attention.h"

namespace gopet {

// What packed_attention computes, on any device and recorded for backward: the sequences are
// padded to the longest, attended to under a mask, and packed again.
at::Tensor padded_attention(const AttentionTensors &t, const PackedAttention &o);

}  // namespace gopet
