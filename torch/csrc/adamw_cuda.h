#pragma once

#include "gopet_torch.h"

namespace gopet {

// Whether our CUDA kernel takes all of these parameters: float32 masters, on one device.
bool adamw_has_cuda_kernel(const gt_adamw_param *params, size_t n);

// gt_adamw in three launches. What it returns is read back at the end, the one wait of a step.
gt_adamw_result adamw_cuda(const gt_adamw_param *params, size_t n, const gt_adamw_options &o);

}  // namespace gopet
