#include "norm_cuda.h"

#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include "cuda_kernels.h"

namespace gopet {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

std::optional<at::Tensor> if_defined(const at::Tensor &t) {
  return t.defined() ? std::optional(t.contiguous()) : std::nullopt;
}

void *pointer(const at::Tensor &t) { return t.defined() ? t.data_ptr() : nullptr; }

float *floats(const at::Tensor &t) { return static_cast<float *>(pointer(t)); }

struct Norm : torch::autograd::Function<Norm> {
  // x is dense. What is absent has no number to ask by, so it comes last.
  static variable_list forward(AutogradContext *ctx, const at::Tensor &x, const at::Tensor &weight,
                               double eps, bool rms, bool wants_sum,
                               const std::optional<at::Tensor> &bias,
                               const std::optional<at::Tensor> &residual) {
    const CudaKernels &kernels = *cuda_kernels(x);
    c10::DeviceGuard guard(x.device());
    at::Tensor y = at::empty_like(x), sum = residual ? at::empty_like(x) : x;
    int64_t width = weight.size(0), rows = width == 0 ? 0 : x.numel() / width;
    at::Tensor rstd = at::empty({rows}, x.options().dtype(at::kFloat)), mean;
    if (!rms) mean = at::empty_like(rstd);
    gk_norm a{};
    a.dtype = dtype_of(x);
    a.weight_dtype = dtype_of(weight);
    a.rms = rms;
    a.rows = rows;
    a.width = width;
    a.eps = eps;
    a.x = x.const_data_ptr();
    a.weight = weight.const_data_ptr();
    if (bias) a.bias = bias->const_data_ptr();
    if (residual) {
      a.residual = residual->const_data_ptr();
      a.sum = sum.data_ptr();
    }
    a.y = y.data_ptr();
    a.mean = floats(mean);
    a.rstd = floats(rstd);
    kernels.check(kernels.gk_norm_forward(&a, stream_of(x)), "norm");
    ctx->save_for_backward({sum, weight, mean, rstd});
    ctx->set_materialize_grads(false);
    ctx->saved_data["bias"] = bias.has_value();
    ctx->saved_data["residual"] = residual.has_value();
    return wants_sum ? variable_list{y, sum} : variable_list{y};
  }

  static variable_list backward(AutogradContext *ctx, variable_list gradients) {
    variable_list saved = ctx->get_saved_variables();
    const at::Tensor &sum = saved[0], &weight = saved[1], &mean = saved[2], &rstd = saved[3];
    const CudaKernels &kernels = *cuda_kernels(sum);
    c10::DeviceGuard guard(sum.device());
    const bool bias = ctx->saved_data["bias"].toBool(),
               residual = ctx->saved_data["residual"].toBool();
    const size_t residual_input = bias ? 3 : 2;
    bool wants_x = ctx->needs_input_grad(0) || (residual && ctx->needs_input_grad(residual_input));
    auto inputs = [&](const at::Tensor &dx, const at::Tensor &dweight, const at::Tensor &dbias) {
      variable_list g(7);
      g[0] = dx, g[1] = dweight, g[5] = dbias;
      if (residual) g[6] = dx;
      return g;
    };
    at::Tensor dsum = gradients.size() > 1 ? gradients[1] : at::Tensor();
    if (!gradients[0].defined()) return inputs(dsum, {}, {});
    if (dsum.defined()) dsum = dsum.contiguous();
    at::Tensor dy = gradients[0].contiguous(), dx, dweight, dbias, workspace;
    auto column_sums = [&] { return at::empty({weight.size(0)}, rstd.options()); };
    if (wants_x) dx = at::empty_like(dy);
    if (ctx->needs_input_grad(1)) dweight = column_sums();
    if (bias && ctx->needs_input_grad(2)) dbias = column_sums();
    if (dweight.defined() || dbias.defined())
      workspace = scratch(kernels.gk_norm_workspace(rstd.numel(), weight.size(0)), dy);
    gk_norm_gradient a{};
    a.dtype = dtype_of(dy);
    a.weight_dtype = dtype_of(weight);
    a.rms = !mean.defined();
    a.rows = rstd.numel();
    a.width = weight.size(0);
    a.dy = dy.const_data_ptr();
    a.dsum = pointer(dsum);
    a.sum = sum.const_data_ptr();
    a.weight = weight.const_data_ptr();
    a.mean = floats(mean);
    a.rstd = floats(rstd);
    a.dx = pointer(dx);
    a.dweight = floats(dweight);
    a.dbias = floats(dbias);
    a.workspace = pointer(workspace);
    kernels.check(kernels.gk_norm_backward(&a, stream_of(dy)), "norm backward");
    auto as_weight = [&](const at::Tensor &t) {
      return t.defined() ? t.to(weight.scalar_type()) : t;
    };
    return inputs(dx, as_weight(dweight), as_weight(dbias));
  }
};

}  // namespace

bool norm_has_cuda_kernel(const at::Tensor &x, const at::Tensor &residual, const at::Tensor &weight,
                          const at::Tensor &bias) {
  auto like = [](const at::Tensor &t, const at::Tensor &other) {
    return !t.defined() || (t.scalar_type() == other.scalar_type() && t.sizes() == other.sizes());
  };
  return cuda_kernels(x) && cuda_kernels(weight) && like(residual, x) && like(bias, weight);
}

std::vector<at::Tensor> norm_cuda(const at::Tensor &x, const at::Tensor &residual,
                                  const at::Tensor &weight, const at::Tensor &bias, double eps,
                                  bool rms, bool wants_sum) {
  return Norm::apply(x.contiguous(), weight.contiguous(), eps, rms, wants_sum, if_defined(bias),
                     if_defined(residual));
}

}  // namespace gopet
