#pragma once

#include <ATen/ATen.h>

#include <vector>

namespace gopet {

// Whether our CUDA kernels take a norm of x + residual with these parameters; residual and bias may
// be undefined.
bool norm_has_cuda_kernel(const at::Tensor &x, const at::Tensor &residual, const at::Tensor &weight,
                          const at::Tensor &bias);

// norm(x + residual) * weight + bias over the last dimension: the root mean square one where rms,
// else layer norm; and behind it the sum, where that is wanted.
std::vector<at::Tensor> norm_cuda(const at::Tensor &x, const at::Tensor &residual,
                                  const at::Tensor &weight, const at::Tensor &bias, double eps,
                                  bool rms, bool wants_sum);

}  // namespace gopet
