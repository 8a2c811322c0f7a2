#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

#include "blocks.h"
#include "boundary.h"
#include "rows.h"

using namespace gopet;
using torch::autograd::variable_list;

namespace {

constexpr size_t kX = 0, kWeight = 1, kBias = 2, kInputs = 3;

struct LayerNormBackward : torch::autograd::Node {
  at::Tensor x, weight, mean, rstd;  // x is [rows, columns]
  double eps;

  template <typename T>
  variable_list backward(const at::Tensor &dy) {
    Blocks blocks(x.size(0));
    const int64_t n = x.size(1);
    variable_list g(kInputs);
    at::Tensor sums[kInputs], dx = at::empty_like(dy);
    for (size_t i : {kWeight, kBias})
      if (task_should_compute_output(i)) sums[i] = at::zeros({blocks.count, n}, at::kFloat);
    RowNorm norm{weight.const_data_ptr<float>(), nullptr, eps};
    blocks.each([&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; b++) {
        int64_t row = blocks.begin(b), rows = blocks.size(b);
        auto sum = [&](size_t i) {
          return sums[i].defined() ? sums[i].data_ptr<float>() + b * n : nullptr;
        };
        normalize_backward<T>(matrix<T>(dx).rows_from(row, rows),
                              const_matrix<T>(dy).rows_from(row, rows),
                              const_matrix<T>(x).rows_from(row, rows), norm,
                              mean.const_data_ptr<float>() + row,
                              rstd.const_data_ptr<float>() + row, sum(kWeight), sum(kBias));
      }
    });
    if (task_should_compute_output(kX)) g[kX] = dx;
    for (size_t i : {kWeight, kBias})
      if (sums[i].defined()) g[i] = sums[i].sum(0);
    return g;
  }

  variable_list apply(variable_list &&gradients) override {
    TORCH_CHECK(x.defined(), "backward through the same layer norm a second time");
    if (!gradients[0].defined()) return variable_list(kInputs);
    at::Tensor dy = flat(gradients[0]);
    variable_list g = dy.scalar_type() == at::kFloat ? backward<float>(dy)
                                                     : backward<c10::BFloat16>(dy);
    if (g[kX].defined()) g[kX] = g[kX].view(gradients[0].sizes());
    return g;
  }

  void release_variables() override { x = weight = mean = rstd = at::Tensor(); }
  std::string name() const override { return "LayerNormBackward"; }
};

template <typename T>
void forward(const at::Tensor &y, const at::Tensor &x, const RowNorm &norm, const at::Tensor &mean,
             const at::Tensor &rstd) {
  Blocks blocks(x.size(0));
  blocks.each([&](int64_t begin, int64_t end) {
    int64_t row = blocks.begin(begin), rows = blocks.begin(end) - row;
    normalize<T>(matrix<T>(y).rows_from(row, rows), const_matrix<T>(x).rows_from(row, rows), norm,
                 mean.data_ptr<float>() + row, rstd.data_ptr<float>() + row);
  });
}

// The arithmetic that fused blocks have, so that a block that cannot be fused computes the same bits.
at::Tensor layer_norm(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias,
                      double eps) {
  bool ours = x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) &&
              weight.scalar_type() == at::kFloat && x.dim() > 0 && weight.dim() == 1 &&
              (!bias.defined() || bias.scalar_type() == at::kFloat);
  if (!ours) {
    std::optional<at::Tensor> shift;
    if (bias.defined()) shift = bias;
    return at::layer_norm(x, weight.sizes(), weight, shift, eps);
  }
  TORCH_CHECK(x.size(-1) == weight.size(0) && (!bias.defined() || bias.sizes() == weight.sizes()),
              "a layer norm of ", weight.sizes(), " over x ", x.sizes());
  const bool keep = at::GradMode::is_enabled() &&
                    torch::autograd::any_variable_requires_grad(variable_list{x, weight, bias});
  at::AutoDispatchBelowADInplaceOrView no_grad;
  at::Tensor rows = flat(x), y = at::empty_like(rows), w = weight.contiguous();
  at::Tensor shift = bias.defined() ? bias.contiguous() : bias;
  at::Tensor mean = at::empty({rows.size(0)}, at::kFloat), rstd = at::empty_like(mean);
  RowNorm norm{w.const_data_ptr<float>(), shift.defined() ? shift.const_data_ptr<float>() : nullptr,
               eps};
  if (x.scalar_type() == at::kFloat) {
    forward<float>(y, rows, norm, mean, rstd);
  } else {
    forward<c10::BFloat16>(y, rows, norm, mean, rstd);
  }
  y = at::_unsafe_view(y, x.sizes());
  if (!keep) return y;
  std::shared_ptr<LayerNormBackward> node(new LayerNormBackward, torch::autograd::deleteNode);
  node->set_next_edges(torch::autograd::collect_next_edges(variable_list{x, weight, bias}));
  node->x = rows;
  node->weight = w;
  node->mean = mean;
  node->rstd = rstd;
  node->eps = eps;
  torch::autograd::set_history(y, node);
  return y;
}

}  // namespace

gt_error gt_layer_norm(gt_tensor *out, int32_t mode, gt_tensor x, gt_tensor weight, gt_tensor bias,
                       double eps) noexcept {
  GT_RESULT(out, mode,
            layer_norm(unwrap(x), unwrap(weight), bias == 0 ? at::Tensor() : unwrap(bias), eps))
}
