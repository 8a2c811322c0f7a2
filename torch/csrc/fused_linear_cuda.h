#pragma once

#include "fused_linear.h"

namespace gopet {

// fused_linear for an x that cuda_kernels takes: libtorch's products, and our kernels between them.
at::Tensor fused_linear_cuda(const at::Tensor &x, const FusedLinear &f);

}  // namespace gopet
