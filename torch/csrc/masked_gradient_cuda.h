#pragma once

#include <ATen/ATen.h>

namespace gopet {

// masked_gradient by our CUDA kernels, for a dy that cuda_kernels takes. The result is float32.
at::Tensor masked_gradient_cuda(const at::Tensor &dy, const at::Tensor &x, const at::Tensor &index);

}  // namespace gopet
