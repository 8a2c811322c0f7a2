#include "fused_linear_cuda.h"

#include "activation_cuda.h"
#include "norm_cuda.h"

namespace gopet {
namespace {

// act(x W^T + bias), whose bias is added with the activation.
at::Tensor activated_linear(const at::Tensor &x, LinearTerm t, Activation act) {
  at::Tensor bias = std::move(t.bias);
  t.bias = at::Tensor();
  return bias_activation_cuda(tuned_linear(x, t), bias, act);
}

at::Tensor first_layers(const at::Tensor &x, const FusedLinear &f) {
  const bool kernel = has_activation_cuda(f.activation);
  if (kernel && f.first.size() == 1) return activated_linear(x, f.first[0], f.activation);
  std::vector<at::Tensor> parts;
  for (const LinearTerm &t : f.first) parts.push_back(tuned_linear(x, t));
  if (f.gated && kernel) return gated_activation_cuda(parts[0], parts[1], f.activation);
  if (f.gated) return activated(parts[0], f.activation).mul(parts[1]);
  return activated(parts.size() == 1 ? parts[0] : at::cat(parts, -1), f.activation);
}

}  // namespace

at::Tensor fused_linear_cuda(const at::Tensor &x, const FusedLinear &f) {
  at::Tensor y = first_layers(x, f);
  if (!f.second.empty()) y = tuned_linear(y, f.second[0]);
  const at::Tensor &weight = f.norm_weight, &bias = f.norm_bias;
  if (weight.defined() && norm_has_cuda_kernel(y, f.residual, weight, bias)) {
    return norm_cuda(y, f.residual, weight, bias, f.eps, /*rms=*/false, /*wants_sum=*/false)[0];
  }
  if (f.residual.defined()) y = y.add(f.residual);
  return weight.defined() ? layer_normed(y, f) : y;
}

}  // namespace gopet
