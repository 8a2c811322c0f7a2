#pragma once

#include <ATen/ATen.h>

#include "rows.h"

namespace gopet {

// Whether our CUDA kernels know this activation.
bool has_activation_cuda(Activation act);

// act(x + bias); bias [columns of x] may be undefined.
at::Tensor bias_activation_cuda(const at::Tensor &x, const at::Tensor &bias, Activation act);

// act(gate) x.
at::Tensor gated_activation_cuda(const at::Tensor &gate, const at::Tensor &x, Activation act);

}  // namespace gopet
