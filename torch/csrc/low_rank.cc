#include <torch/csrc/autograd/custom_function.h>

#include "boundary.h"
#include "tuned_linear.h"

using namespace gopet;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

at::Tensor flat(const at::Tensor &t) { return t.reshape({-1, t.size(-1)}); }

// matrix [rows, width] as [..., width], with the leading sizes of t.
at::Tensor with_sizes(const at::Tensor &matrix, const at::Tensor &t, int64_t width) {
  auto sizes = t.sizes().vec();
  sizes.back() = width;
  return at::_unsafe_view(matrix, sizes);
}

// y = x W^T + bias + scale (x A^T) B^T. The update is added where the layer's own product lies,
// forward and backward, so that nothing as wide as the layer is made twice.
struct LowRankLinear : torch::autograd::Function<LowRankLinear> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &x, const at::Tensor &weight,
                            const at::Tensor &a, const at::Tensor &b, double scale,
                            const std::optional<at::Tensor> &bias) {
    at::Tensor thin = at::mm(flat(x), a.t());
    at::Tensor y = at::linear(flat(x), weight, bias);
    y.addmm_(thin, b.t(), 1, scale);
    bool keep = a.requires_grad() || weight.requires_grad();
    ctx->save_for_backward({keep ? x : at::Tensor(), weight, a, b, thin});
    ctx->saved_data["scale"] = scale;
    ctx->saved_data["bias"] = bias.has_value();
    return with_sizes(y, x, weight.size(0));
  }

  static variable_list backward(AutogradContext *ctx, variable_list gradients) {
    variable_list saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &a = saved[2], &b = saved[3];
    const at::Tensor &thin = saved[4], dy = flat(gradients[0]);
    double scale = ctx->saved_data["scale"].toDouble();
    at::Tensor dthin = at::mm(dy, b).mul_(scale), dx, dweight, da, db, dbias;
    if (ctx->needs_input_grad(0)) {
      dx = at::mm(dy, weight).addmm_(dthin, a);
      dx = with_sizes(dx, gradients[0], weight.size(1));
    }
    if (ctx->needs_input_grad(1)) dweight = at::mm(dy.t(), flat(x));
    if (ctx->needs_input_grad(2)) da = at::mm(dthin.t(), flat(x));
    if (ctx->needs_input_grad(3)) db = at::mm(dy.t(), thin).mul_(scale);
    // An absent bias has no number to ask by, so it comes last.
    if (ctx->saved_data["bias"].toBool() && ctx->needs_input_grad(4)) dbias = dy.sum(0);
    return {dx, dweight, da, db, at::Tensor(), dbias};
  }
};

}  // namespace

at::Tensor gopet::low_rank_linear(const at::Tensor &x, const at::Tensor &weight,
                                  const std::optional<at::Tensor> &bias, const at::Tensor &a,
                                  const at::Tensor &b, double scale) {
  return LowRankLinear::apply(x, weight, a, b, scale, bias);
}

gt_error gt_low_rank_linear(gt_tensor *out, int32_t mode, gt_tensor x, gt_tensor weight,
                            gt_tensor bias, gt_tensor a, gt_tensor b, double scale) noexcept {
  GT_RESULT(out, mode,
            low_rank_linear(unwrap(x), unwrap(weight), optional(bias), unwrap(a), unwrap(b), scale))
}
