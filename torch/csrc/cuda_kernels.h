// gopet's own CUDA kernels, by way of function pointers: libgopet_cuda.so loads at run time, where
// libtorch_cuda.so does, and nothing here links either.
#pragma once

#include <ATen/ATen.h>

#include <string>

#include "kernels/kernels.h"

namespace gopet {

#define GOPET_CUDA_KERNELS(f)                                                                     \
  f(gk_error_text) f(gk_device_type) f(gk_compute_capability) f(gk_masked_plan_make)              \
      f(gk_masked_plan_free) f(gk_masked_choose) f(gk_masked_gradient_workspace)                  \
          f(gk_masked_gradient) f(gk_adamw_plan_size) f(gk_adamw_plan_make) f(gk_adamw_workspace) \
              f(gk_adamw) f(gk_norm_forward) f(gk_norm_workspace) f(gk_norm_backward)             \
                  f(gk_bias_activation) f(gk_bias_activation_workspace)                           \
                      f(gk_bias_activation_backward) f(gk_gated_activation)                       \
                          f(gk_gated_activation_backward) f(gk_cross_entropy_forward)             \
                              f(gk_cross_entropy_backward) f(gk_attention_forward)                \
                                  f(gk_attention_workspace) f(gk_attention_backward)

struct CudaKernels {
#define GOPET_POINTER(name) decltype(&::name) name;
  GOPET_CUDA_KERNELS(GOPET_POINTER)
#undef GOPET_POINTER

  // Fails where a call's result is an error.
  void check(int error, const char *what) const;
};

// The kernels where they compute tensors like t, by device and dtype, else null: then libtorch's
// operations are composed. GOPET_KERNELS names a library in place of the one beside the shim; with
// the kernels' build for the CPU in it, tensors on the CPU take the way of those on a GPU.
const CudaKernels *cuda_kernels(const at::Tensor &t);

// Why cuda_kernels has none for a GPU, or "".
const std::string &cuda_kernels_obstacle();

// What calls of kernels need besides: the stream that t's device works on, scratch memory, t's
// dtype in their numbers.
void *stream_of(const at::Tensor &t);
at::Tensor scratch(int64_t bytes, const at::Tensor &like);
inline int32_t dtype_of(const at::Tensor &t) { return static_cast<int32_t>(t.scalar_type()); }
inline bool is_kernel_dtype(at::ScalarType type) {
  return type == at::kHalf || type == at::kFloat || type == at::kBFloat16;
}

// What host memory holds, on a device; the copy waits for nothing.
at::Tensor to_device(const void *data, int64_t bytes, at::Device device);

}  // namespace gopet
