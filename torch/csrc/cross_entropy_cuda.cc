#include "cross_entropy_cuda.h"

#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include "cuda_kernels.h"

namespace gopet {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

gk_cross_entropy described(const at::Tensor &logits, const at::Tensor &targets,
                           const at::Tensor &weights) {
  gk_cross_entropy a{};
  a.dtype = dtype_of(logits);
  a.rows = logits.size(0);
  a.classes = a.stride = logits.size(1);
  a.logits = logits.const_data_ptr();
  a.targets = targets.const_data_ptr<int64_t>();
  if (weights.defined()) a.weights = weights.const_data_ptr<float>();
  return a;
}

struct CrossEntropy : torch::autograd::Function<CrossEntropy> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &logits,
                            const at::Tensor &targets, bool mean,
                            const std::optional<at::Tensor> &class_weights) {
    const CudaKernels &kernels = *cuda_kernels(logits);
    c10::DeviceGuard guard(logits.device());
    auto options = logits.options().dtype(at::kFloat);
    at::Tensor weights = class_weights.value_or(at::Tensor());
    at::Tensor losses = at::empty({logits.size(0)}, options), logsumexp = at::empty_like(losses);
    at::Tensor totals = at::empty({3}, options);
    gk_cross_entropy a = described(logits, targets, weights);
    a.losses = losses.data_ptr<float>();
    a.logsumexp = logsumexp.data_ptr<float>();
    a.totals = totals.data_ptr<float>();
    kernels.check(kernels.gk_cross_entropy_forward(&a, stream_of(logits)), "cross-entropy");
    ctx->save_for_backward({logits, targets, weights, logsumexp, totals});
    ctx->saved_data["mean"] = mean;
    return totals[mean ? 2 : 0].clone();
  }

  static variable_list backward(AutogradContext *ctx, variable_list gradients) {
    variable_list saved = ctx->get_saved_variables();
    const at::Tensor &logits = saved[0], &logsumexp = saved[3], &totals = saved[4];
    const CudaKernels &kernels = *cuda_kernels(logits);
    c10::DeviceGuard guard(logits.device());
    // The kernel overwrites the logits, which others may hold: it gets a copy.
    at::Tensor scale = gradients[0].to(at::kFloat).contiguous(), gradient = logits.clone();
    gk_cross_entropy a = described(logits, saved[1], saved[2]);
    a.logsumexp = logsumexp.data_ptr<float>();
    const float *divisor =
        ctx->saved_data["mean"].toBool() ? totals.const_data_ptr<float>() + 1 : nullptr;
    kernels.check(
        kernels.gk_cross_entropy_backward(&a, gradient.data_ptr(), scale.const_data_ptr<float>(),
                                          divisor, stream_of(logits)),
        "cross-entropy backward");
    return {gradient, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

bool cross_entropy_has_cuda_kernel(const at::Tensor &logits, const at::Tensor &targets,
                                   at::Reduction::Reduction reduction) {
  return cuda_kernels(logits) && logits.dim() == 2 && targets.dim() == 1 &&
         targets.size(0) == logits.size(0) && targets.scalar_type() == at::kLong &&
         targets.device() == logits.device() && reduction != at::Reduction::None;
}

at::Tensor cross_entropy_cuda(const at::Tensor &logits, const at::Tensor &targets,
                              const std::optional<at::Tensor> &class_weights,
                              at::Reduction::Reduction reduction) {
  std::optional<at::Tensor> weights;
  if (class_weights) {
    TORCH_CHECK(class_weights->dim() == 1 && class_weights->size(0) == logits.size(1),
                "class weights ", class_weights->sizes(), " for ", logits.size(1), " classes");
    weights = class_weights->to(at::kFloat).contiguous();
  }
  return CrossEntropy::apply(logits.contiguous(), targets.contiguous(),
                             reduction == at::Reduction::Mean, weights);
}

}  // namespace gopet
