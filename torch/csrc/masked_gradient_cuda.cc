#include "masked_gradient_cuda.h"

#include <c10/core/DeviceGuard.h>

#include "cuda_kernels.h"
#include "index_cache.h"

namespace gopet {
namespace {

// How a mask's entries are computed, and where the device reads it.
struct DevicePlan {
  gk_masked_plan plan;  // whose words are on the device alone
  int32_t dtype;        // that the choice of the kernel was made for
  at::Tensor words;
};

std::shared_ptr<const DevicePlan> make(const CudaKernels &kernels, const at::Tensor &dy,
                                       const at::Tensor &x, const at::Tensor &index) {
  at::Tensor host = index.to(at::kCPU).contiguous();
  const int64_t *entries = host.const_data_ptr<int64_t>();
  const int64_t k = host.numel(), out = dy.size(1), in = x.size(1);
  int32_t major, minor, method;
  kernels.check(kernels.gk_compute_capability(&major, &minor), "masked gradient");
  TORCH_CHECK_INDEX(k == 0 || (entries[0] >= 0 && entries[k - 1] < out * in),
                    "entries beyond those of a weight [", out, ", ", in, "]");
  const int error = kernels.gk_masked_choose(&method, entries, k, out, in, dy.size(0), dtype_of(dy),
                                             major, minor);
  TORCH_CHECK(error == 0, "a mask's index must be ascending and distinct");
  auto made = std::make_shared<DevicePlan>();
  kernels.check(kernels.gk_masked_plan_make(&made->plan, entries, k, out, in, method),
                "masked gradient");
  made->dtype = dtype_of(dy);
  made->words = to_device(made->plan.words, made->plan.n * static_cast<int64_t>(sizeof(int32_t)),
                          dy.device());
  kernels.gk_masked_plan_free(&made->plan);
  return made;
}

std::shared_ptr<const DevicePlan> device_plan(const CudaKernels &kernels, const at::Tensor &dy,
                                              const at::Tensor &x, const at::Tensor &index) {
  // Never destroyed: at a process' end the device may be gone before its memory is given back.
  static auto &plans = *new IndexCache<DevicePlan>;
  return plans.get(
      index,
      [&](const DevicePlan &p) {
        return p.plan.out == dy.size(1) && p.plan.in == x.size(1) && p.dtype == dtype_of(dy);
      },
      [&] { return make(kernels, dy, x, index); });
}

at::Tensor with_contiguous_rows(const at::Tensor &t) {
  return t.stride(1) == 1 ? t : t.contiguous();
}

}  // namespace

at::Tensor masked_gradient_cuda(const at::Tensor &dy, const at::Tensor &x,
                                const at::Tensor &index) {
  const CudaKernels &kernels = *cuda_kernels(dy);
  c10::DeviceGuard guard(dy.device());
  at::Tensor d = with_contiguous_rows(dy), v = with_contiguous_rows(x.to(dy.scalar_type()));
  auto plan = device_plan(kernels, d, v, index);
  at::Tensor gradient = at::empty({plan->plan.k}, d.options().dtype(at::kFloat));
  at::Tensor workspace = scratch(kernels.gk_masked_gradient_workspace(&plan->plan, d.size(0)), d);
  kernels.check(kernels.gk_masked_gradient(
                    &plan->plan, static_cast<const int32_t *>(plan->words.const_data_ptr()),
                    dtype_of(d), d.const_data_ptr(), d.stride(0), v.const_data_ptr(), v.stride(0),
                    d.size(0), gradient.data_ptr<float>(), workspace.data_ptr(), stream_of(d)),
                "masked gradient");
  return gradient;
}

}  // namespace gopet
