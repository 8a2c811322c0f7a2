#include "activation_cuda.h"

#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include "cuda_kernels.h"

namespace gopet {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

int32_t number_of(Activation act) {
  switch (act) {
    case Activation::gelu:
      return GK_GELU;
    case Activation::gelu_tanh:
      return GK_GELU_TANH;
    case Activation::silu:
      return GK_SILU;
    case Activation::relu:
      return GK_RELU;
    default:
      return -1;
  }
}

const void *pointer(const at::Tensor &t) { return t.defined() ? t.const_data_ptr() : nullptr; }

int64_t rows_of(const at::Tensor &x) { return x.numel() == 0 ? 0 : x.numel() / x.size(-1); }

struct BiasActivation : torch::autograd::Function<BiasActivation> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &x, int64_t act,
                            const std::optional<at::Tensor> &bias) {
    const CudaKernels &kernels = *cuda_kernels(x);
    c10::DeviceGuard guard(x.device());
    at::Tensor y = at::empty_like(x), b = bias.value_or(at::Tensor());
    kernels.check(
        kernels.gk_bias_activation(dtype_of(x), static_cast<int32_t>(act), rows_of(x), x.size(-1),
                                   x.const_data_ptr(), pointer(b), y.data_ptr(), stream_of(x)),
        "activation");
    ctx->save_for_backward({x, b});
    ctx->saved_data["act"] = act;
    return y;
  }

  static variable_list backward(AutogradContext *ctx, variable_list gradients) {
    variable_list saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &bias = saved[1];
    const CudaKernels &kernels = *cuda_kernels(x);
    c10::DeviceGuard guard(x.device());
    at::Tensor dy = gradients[0].contiguous(), dx = at::empty_like(dy), dbias, workspace;
    // An absent bias has no number to ask by, so it comes last.
    if (bias.defined() && ctx->needs_input_grad(1)) {
      dbias = at::empty(bias.sizes(), bias.options().dtype(at::kFloat));
      workspace = scratch(kernels.gk_bias_activation_workspace(rows_of(x), x.size(-1)), x);
    }
    kernels.check(kernels.gk_bias_activation_backward(
                      dtype_of(x), static_cast<int32_t>(ctx->saved_data["act"].toInt()), rows_of(x),
                      x.size(-1), dy.const_data_ptr(), x.const_data_ptr(), pointer(bias),
                      dx.data_ptr(), dbias.defined() ? dbias.data_ptr<float>() : nullptr,
                      workspace.defined() ? workspace.data_ptr() : nullptr, stream_of(x)),
                  "activation backward");
    if (dbias.defined()) dbias = dbias.to(bias.scalar_type());
    return {dx, at::Tensor(), dbias};
  }
};

struct GatedActivation : torch::autograd::Function<GatedActivation> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &gate, const at::Tensor &x,
                            int64_t act) {
    const CudaKernels &kernels = *cuda_kernels(x);
    c10::DeviceGuard guard(x.device());
    at::Tensor y = at::empty_like(x);
    kernels.check(kernels.gk_gated_activation(dtype_of(x), static_cast<int32_t>(act), x.numel(),
                                              gate.const_data_ptr(), x.const_data_ptr(),
                                              y.data_ptr(), stream_of(x)),
                  "gated activation");
    ctx->save_for_backward({gate, x});
    ctx->saved_data["act"] = act;
    return y;
  }

  static variable_list backward(AutogradContext *ctx, variable_list gradients) {
    variable_list saved = ctx->get_saved_variables();
    const at::Tensor &gate = saved[0], &x = saved[1];
    const CudaKernels &kernels = *cuda_kernels(x);
    c10::DeviceGuard guard(x.device());
    at::Tensor dy = gradients[0].contiguous(), dgate = at::empty_like(dy), dx = at::empty_like(dy);
    kernels.check(kernels.gk_gated_activation_backward(
                      dtype_of(x), static_cast<int32_t>(ctx->saved_data["act"].toInt()), x.numel(),
                      dy.const_data_ptr(), gate.const_data_ptr(), x.const_data_ptr(),
                      dgate.data_ptr(), dx.data_ptr(), stream_of(x)),
                  "gated activation backward");
    return {dgate, dx, at::Tensor()};
  }
};

}  // namespace

bool has_activation_cuda(Activation act) { return number_of(act) >= 0; }

at::Tensor bias_activation_cuda(const at::Tensor &x, const at::Tensor &bias, Activation act) {
  std::optional<at::Tensor> b;
  if (bias.defined()) b = bias.contiguous();
  return BiasActivation::apply(x.contiguous(), int64_t{number_of(act)}, b);
}

at::Tensor gated_activation_cuda(const at::Tensor &gate, const at::Tensor &x, Activation act) {
  return GatedActivation::apply(gate.contiguous(), x.contiguous(), int64_t{number_of(act)});
}

}  // namespace gopet
