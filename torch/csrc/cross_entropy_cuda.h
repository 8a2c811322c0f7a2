#pragma once

#include <ATen/ATen.h>
#include <ATen/core/Reduction.h>

namespace gopet {

// Whether our CUDA kernel takes these: logits [rows, classes], class numbers, a sum or mean.
bool cross_entropy_has_cuda_kernel(const at::Tensor &logits, const at::Tensor &targets,
                                   at::Reduction::Reduction reduction);

// The loss, float32. A target that is no class makes it NaN: a kernel cannot fail.
at::Tensor cross_entropy_cuda(const at::Tensor &logits, const at::Tensor &targets,
                              const std::optional<at::Tensor> &class_weights,
                              at::Reduction::Reduction reduction);

}  // namespace gopet
