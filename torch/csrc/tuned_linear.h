// Linear layers whose weight is frozen but for what a method tunes, one at a time, on any device.
#pragma once

#include <ATen/ATen.h>

namespace gopet {

// x W^T + bias with a gradient for the entries of W at index, which goes to values.
at::Tensor masked_linear(const at::Tensor &x, const at::Tensor &weight,
                         const std::optional<at::Tensor> &bias, const at::Tensor &values,
                         const at::Tensor &index);

// x W^T + bias + scale (x a^T) b^T.
at::Tensor low_rank_linear(const at::Tensor &x, const at::Tensor &weight,
                           const std::optional<at::Tensor> &bias, const at::Tensor &a,
                           const at::Tensor &b, double scale);

// Fails where index and values are no mask.
void check_mask(const at::Tensor &index, const at::Tensor &values);

}  // namespace gopet
