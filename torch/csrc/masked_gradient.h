// The k wanted entries of a weight's gradient, without the gradient.
#pragma once

#include <ATen/ATen.h>

namespace gopet {

// Entries of dy^T x at `index`, ascending flat positions in [out, in], where
// dy is [tokens, out] and x is [tokens, in]. float32, or float64 when dy is.
// Sums run in an order that depends on the shapes and the index alone.
at::Tensor masked_gradient(const at::Tensor &dy, const at::Tensor &x, const at::Tensor &index);

}  // namespace gopet
