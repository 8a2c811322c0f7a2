// The k wanted entries of a weight's gradient, without the gradient.
#pragma once

#include <ATen/ATen.h>

#include "mask_plan.h"

namespace gopet {

// Entries of dy^T x at `index`, ascending flat positions in [out, in], where
// dy is [tokens, out] and x is [tokens, in]. float32, or float64 when dy is.
// Sums run in an order that depends on the shapes and the index alone.
at::Tensor masked_gradient(const at::Tensor &dy, const at::Tensor &x, const at::Tensor &index);

// Writes those entries of dy^T x that the plan computes in dense tiles to gradient [k]. All three
// are of one dtype, float32 or float64, and contiguous.
void dense_entries(const at::Tensor &dy, const at::Tensor &x, const MaskPlan &plan,
                   const at::Tensor &gradient);

}  // namespace gopet
