#include "adamw_cuda.h"

#include <c10/core/DeviceGuard.h>

#include <cstring>

#include "boundary.h"
#include "cuda_kernels.h"

namespace gopet {
namespace {

bool takes(const gt_adamw_param &p, at::Device device) {
  const at::Tensor &master = unwrap(p.master), &gradient = unwrap(p.leaf).grad();
  auto dense = [&](const at::Tensor &t) { return t.device() == device && t.is_contiguous(); };
  if (master.scalar_type() != at::kFloat || !cuda_kernels(master)) return false;
  for (const at::Tensor &t : {master, unwrap(p.exp_avg), unwrap(p.exp_avg_sq)})
    if (!dense(t)) return false;
  if (gradient.defined() && !is_kernel_dtype(gradient.scalar_type())) return false;
  if (p.weight != 0 &&
      (!dense(unwrap(p.weight)) || !is_kernel_dtype(unwrap(p.weight).scalar_type())))
    return false;
  return p.index == 0 || dense(unwrap(p.index));
}

gk_adamw_tensor described(const gt_adamw_param &p, const at::Tensor &gradient) {
  at::Tensor &master = unwrap(p.master);
  gk_adamw_tensor t{};
  if (gradient.defined()) {
    t.gradient = gradient.const_data_ptr();
    t.gradient_dtype = dtype_of(gradient);
  }
  t.value = master.data_ptr<float>();
  t.exp_avg = unwrap(p.exp_avg).data_ptr<float>();
  t.exp_avg_sq = unwrap(p.exp_avg_sq).data_ptr<float>();
  if (p.weight != 0) {
    t.weight = unwrap(p.weight).data_ptr();
    t.weight_dtype = dtype_of(unwrap(p.weight));
  }
  if (p.index != 0) t.index = unwrap(p.index).const_data_ptr<int64_t>();
  t.count = master.numel();
  t.weight_decay = p.weight_decay;
  return t;
}

}  // namespace

bool adamw_has_cuda_kernel(const gt_adamw_param *params, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!takes(params[i], unwrap(params[0].master).device())) return false;
  return n > 0;
}

gt_adamw_result adamw_cuda(const gt_adamw_param *params, size_t n, const gt_adamw_options &o) {
  const at::Tensor &first = unwrap(params[0].master);
  const CudaKernels &kernels = *cuda_kernels(first);
  c10::DeviceGuard guard(first.device());
  const auto count = static_cast<int64_t>(n);
  std::vector<at::Tensor> gradients;  // alive until their kernels are enqueued
  std::vector<gk_adamw_tensor> tensors;
  for (size_t i = 0; i < n; i++) {
    const at::Tensor &gradient = unwrap(params[i].leaf).grad();
    gradients.push_back(gradient.defined() ? gradient.contiguous() : gradient);
    tensors.push_back(described(params[i], gradients.back()));
  }

  // One copy takes what the step reads to the device: its numbers, then the plan. Gradients lie
  // elsewhere at every step, so the plan is another.
  gk_adamw_state state{};
  state.lr = o.lr;
  state.step = o.step - 1;
  std::vector<char> host(sizeof state + kernels.gk_adamw_plan_size(tensors.data(), count));
  std::memcpy(host.data(), &state, sizeof state);
  kernels.check(kernels.gk_adamw_plan_make(host.data() + sizeof state, tensors.data(), count),
                "adamw");
  at::Tensor memory = to_device(host.data(), static_cast<int64_t>(host.size()), first.device());
  auto *on_device = static_cast<char *>(memory.data_ptr());

  at::Tensor workspace = scratch(kernels.gk_adamw_workspace(tensors.data(), count), first);
  gk_adamw_options options{o.beta1, o.beta2, o.eps, o.max_norm};
  kernels.check(kernels.gk_adamw(on_device + sizeof state, tensors.data(), count, &options,
                                 reinterpret_cast<gk_adamw_state *>(on_device),
                                 workspace.data_ptr(), stream_of(first)),
                "adamw");
  at::Tensor after = memory.narrow(0, 0, sizeof state).to(at::kCPU);
  std::memcpy(&state, after.const_data_ptr(), sizeof state);
  return {state.norm, state.skipped};
}

}  // namespace gopet
