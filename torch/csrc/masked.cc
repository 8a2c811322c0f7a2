#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "boundary.h"
#include "masked_gradient.h"
#include "tuned_linear.h"

using namespace gopet;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

at::Tensor flat(const at::Tensor &t) { return t.reshape({-1, t.size(-1)}); }

at::Tensor undefined() { return {}; }

// y = x W^T + b, with a gradient for x, b and the k masked entries of W.
struct MaskedLinear : torch::autograd::Function<MaskedLinear> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &x, const at::Tensor &weight,
                            const at::Tensor &values, const at::Tensor &index,
                            const std::optional<at::Tensor> &bias) {
    ctx->save_for_backward({values.requires_grad() ? x : at::Tensor(), weight, index});
    ctx->saved_data["bias"] = bias.has_value();
    return at::linear(x, weight, bias);
  }

  static variable_list backward(AutogradContext *ctx, variable_list gradients) {
    variable_list saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &index = saved[2], &dy = gradients[0];
    at::Tensor dx, db, dv;
    if (ctx->needs_input_grad(0)) dx = at::matmul(dy, weight);
    if (ctx->needs_input_grad(2)) dv = masked_gradient(flat(dy), flat(x), index);
    // An absent bias has no number to ask by, so it comes last.
    bool bias = ctx->saved_data["bias"].toBool();
    if (bias && ctx->needs_input_grad(4)) db = flat(dy).sum(0);
    return {dx, undefined(), dv, undefined(), db};
  }
};

// The gradient of entries (token id, column) of an embedding table: the sum
// of dy over the positions that looked that id up.
template <typename T>
at::Tensor embedding_entries(const at::Tensor &dy, const at::Tensor &ids, const at::Tensor &index) {
  int64_t width = dy.size(1), k = index.numel();
  at::Tensor gradient = at::zeros({k}, dy.options());
  const int64_t *entry = index.const_data_ptr<int64_t>(), *id = ids.const_data_ptr<int64_t>();
  const T *d = dy.const_data_ptr<T>();
  T *out = gradient.data_ptr<T>();
  for (int64_t t = 0; t < ids.numel(); t++) {
    const int64_t *e = std::lower_bound(entry, entry + k, id[t] * width);
    for (; e < entry + k && *e < (id[t] + 1) * width; e++)
      out[e - entry] += d[t * width + (*e - id[t] * width)];
  }
  return gradient;
}

// Rows of a table, with a gradient for its k masked entries.
struct MaskedEmbedding : torch::autograd::Function<MaskedEmbedding> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &weight, const at::Tensor &ids,
                            const at::Tensor &values, const at::Tensor &index) {
    ctx->save_for_backward({ids, index});
    return at::embedding(weight, ids);
  }

  static variable_list backward(AutogradContext *ctx, variable_list gradients) {
    variable_list saved = ctx->get_saved_variables();
    at::Tensor dy = flat(gradients[0]);
    auto type = dy.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    at::Tensor d = dy.to(at::kCPU, type).contiguous();
    at::Tensor ids = saved[0].to(at::kCPU).contiguous(), index = saved[1].to(at::kCPU);
    at::Tensor dv = type == at::kDouble ? embedding_entries<double>(d, ids, index)
                                        : embedding_entries<float>(d, ids, index);
    return {undefined(), undefined(), dv.to(dy.device()), undefined()};
  }
};

// A bias or a norm's weight, with a gradient for its k masked entries. Its
// full gradient is one vector, so it is taken and picked from.
struct MaskedParameter : torch::autograd::Function<MaskedParameter> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &weight,
                            const at::Tensor &values, const at::Tensor &index) {
    ctx->save_for_backward({index});
    ctx->saved_data["dtype"] = values.scalar_type();
    return weight.detach();
  }

  static variable_list backward(AutogradContext *ctx, variable_list gradients) {
    at::Tensor index = ctx->get_saved_variables()[0];
    auto dtype = ctx->saved_data["dtype"].toScalarType();
    return {undefined(), gradients[0].reshape({-1}).index_select(0, index).to(dtype), undefined()};
  }
};

}  // namespace

namespace gopet {

void check_mask(const at::Tensor &index, const at::Tensor &values) {
  TORCH_CHECK(index.scalar_type() == at::kLong && index.dim() == 1 && index.is_contiguous(),
              "a mask's index is a contiguous int64 vector");
  TORCH_CHECK(values.sizes() == index.sizes(), "a mask of ", index.numel(), " entries with ",
              values.sizes(), " values");
}

at::Tensor masked_linear(const at::Tensor &x, const at::Tensor &weight,
                         const std::optional<at::Tensor> &bias, const at::Tensor &values,
                         const at::Tensor &index) {
  check_mask(index, values);
  return MaskedLinear::apply(x, weight, values, index, bias);
}

}  // namespace gopet

gt_error gt_masked_linear(gt_tensor *out, int32_t mode, gt_tensor x, gt_tensor weight,
                          gt_tensor bias, gt_tensor values, gt_tensor index) noexcept {
  GT_RESULT(out, mode,
            masked_linear(unwrap(x), unwrap(weight), optional(bias), unwrap(values), unwrap(index)))
}

gt_error gt_masked_embedding(gt_tensor *out, int32_t mode, gt_tensor weight, gt_tensor ids,
                             gt_tensor values, gt_tensor index) noexcept {
  GT_BOUNDARY(mode, {
    check_mask(unwrap(index), unwrap(values));
    *out = wrap(MaskedEmbedding::apply(unwrap(weight), unwrap(ids), unwrap(values), unwrap(index)));
  })
}

gt_error gt_masked_parameter(gt_tensor *out, int32_t mode, gt_tensor weight, gt_tensor values,
                             gt_tensor index) noexcept {
  GT_BOUNDARY(mode, {
    check_mask(unwrap(index), unwrap(values));
    *out = wrap(MaskedParameter::apply(unwrap(weight), unwrap(values), unwrap(index)));
  })
}

gt_error gt_masked_gradient(gt_tensor *out, gt_tensor dy, gt_tensor x, gt_tensor index) noexcept {
  GT_RESULT(out, GT_MODE_NO_GRAD, masked_gradient(unwrap(dy), unwrap(x), unwrap(index)))
}

gt_error gt_take(gt_tensor *out, gt_tensor weight, gt_tensor index) noexcept {
  GT_RESULT(out, GT_MODE_NO_GRAD, at::take(unwrap(weight), unwrap(index)))
}

gt_error gt_put_(gt_tensor weight, gt_tensor index, gt_tensor values) noexcept {
  GT_BOUNDARY(GT_MODE_NO_GRAD, {
    at::Tensor flat_weight = unwrap(weight).view({-1});
    const at::Tensor &positions = unwrap(index);
    // index_copy_ itself notices only when it has already written others.
    TORCH_CHECK_INDEX(
        positions.numel() == 0 || (positions.min().item<int64_t>() >= 0 &&
                                   positions.max().item<int64_t>() < flat_weight.numel()),
        "positions beyond the ", flat_weight.numel(), " entries of the weight");
    flat_weight.index_copy_(0, positions, unwrap(values).to(flat_weight.scalar_type()));
  })
}
