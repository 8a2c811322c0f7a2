// Layer norms and root mean square norms over the last dimension, of a tensor or of the sum of two.
#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

#include "blocks.h"
#include "boundary.h"
#include "norm_cuda.h"
#include "rows.h"

using namespace gopet;
using torch::autograd::variable_list;

namespace {

constexpr size_t kX = 0, kResidual = 1, kWeight = 2, kBias = 3, kInputs = 4;
constexpr size_t kNormed = 0, kSum = 1;

// Rows that one thread takes at once: what it writes is still in its cache when it reads it again.
constexpr int64_t kRows = 128;

struct Norm {
  at::Tensor x, residual;   // residual may be undefined
  at::Tensor weight, bias;  // bias may be undefined
  double eps;
  bool rms;

  variable_list inputs() const { return {x, residual, weight, bias}; }
};

// Of {norm} or {norm, sum}.
struct NormBackward : torch::autograd::Node {
  at::Tensor sum, weight, mean, rstd;  // sum is [rows, columns]: of x and the residual
  bool rms;

  // dy or dsum may be undefined.
  template <typename T>
  variable_list backward(const at::Tensor &dy, const at::Tensor &dsum) {
    Blocks blocks(sum.size(0), kRows);
    const int64_t n = sum.size(1);
    variable_list g(kInputs);
    at::Tensor sums[kInputs], dx = at::empty_like(dy);
    for (size_t i : {kWeight, kBias})
      if (task_should_compute_output(i)) sums[i] = at::zeros({blocks.count, n}, at::kFloat);
    RowNorm norm{weight.const_data_ptr<float>(), nullptr, 0, rms};
    blocks.each([&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; b++) {
        int64_t row = blocks.begin(b), rows = blocks.size(b);
        auto block_sum = [&](size_t i) {
          return sums[i].defined() ? sums[i].data_ptr<float>() + b * n : nullptr;
        };
        Matrix<T> d = matrix<T>(dx).rows_from(row, rows);
        normalize_backward<T>(
            d, const_matrix<T>(dy).rows_from(row, rows), const_matrix<T>(sum).rows_from(row, rows),
            norm, mean.const_data_ptr<float>() + row, rstd.const_data_ptr<float>() + row,
            block_sum(kWeight), block_sum(kBias));
        if (dsum.defined()) add_residual<T>(d, nullptr, const_matrix<T>(dsum).rows_from(row, rows));
      }
    });
    g[kX] = g[kResidual] = dx;
    for (size_t i : {kWeight, kBias})
      if (sums[i].defined()) g[i] = sum_in_order(sums[i]);
    return g;
  }

  variable_list apply(variable_list &&gradients) override {
    TORCH_CHECK(sum.defined(), "backward through the same norm a second time");
    variable_list g(kInputs);
    const at::Tensor dnormed = gradients[kNormed];
    const at::Tensor dsum = gradients.size() > kSum ? gradients[kSum] : at::Tensor();
    if (!dnormed.defined()) {
      g[kX] = g[kResidual] = dsum;
      return g;
    }
    at::Tensor dy = flat(dnormed), ds = dsum.defined() ? flat(dsum) : dsum;
    g = sum.scalar_type() == at::kFloat ? backward<float>(dy, ds) : backward<c10::BFloat16>(dy, ds);
    g[kX] = g[kResidual] = g[kX].view(dnormed.sizes());
    return g;
  }

  void release_variables() override { sum = weight = mean = rstd = at::Tensor(); }
  std::string name() const override { return "NormBackward"; }
};

// Writes the sum, which may be y or, without a residual, x.
template <typename T>
void forward(const Norm &in, const RowNorm &norm, const at::Tensor &y, const at::Tensor &sum,
             const at::Tensor &mean, const at::Tensor &rstd) {
  at::Tensor x = flat(in.x), residual = in.residual.defined() ? flat(in.residual) : in.residual;
  Blocks blocks(y.size(0), kRows);
  blocks.each([&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++) {
      int64_t row = blocks.begin(b), rows = blocks.size(b);
      Matrix<const T> from = const_matrix<T>(x).rows_from(row, rows);
      if (residual.defined()) {
        Matrix<T> added = matrix<T>(sum).rows_from(row, rows);
        copy<T>(added, from);
        add_residual<T>(added, nullptr, const_matrix<T>(residual).rows_from(row, rows));
        from = added;
      }
      normalize<T>(matrix<T>(y).rows_from(row, rows), from, norm, mean.data_ptr<float>() + row,
                   rstd.data_ptr<float>() + row);
    }
  });
}

void check(const Norm &in) {
  const at::Tensor &x = in.x, &w = in.weight;
  TORCH_CHECK(x.dim() > 0 && w.dim() == 1 && x.size(-1) == w.size(0) &&
                  (!in.bias.defined() || in.bias.sizes() == w.sizes()),
              "a norm of ", w.sizes(), " over x ", x.sizes());
  TORCH_CHECK(!in.residual.defined() || in.residual.sizes() == x.sizes(), "a sum of x ", x.sizes(),
              " and a residual ", in.residual.sizes());
}

bool is_ours(const Norm &in) {
  auto type = in.x.scalar_type();
  return in.x.is_cpu() && in.weight.is_cpu() && (type == at::kFloat || type == at::kBFloat16) &&
         (!in.residual.defined() || in.residual.scalar_type() == type) &&
         in.weight.scalar_type() == at::kFloat &&
         (!in.bias.defined() || in.bias.scalar_type() == at::kFloat);
}

variable_list composed(const Norm &in) {
  at::Tensor sum = in.residual.defined() ? in.x + in.residual : in.x;
  if (in.rms) {
    at::Tensor wide = sum.to(in.weight.scalar_type());
    at::Tensor y = at::rms_norm(wide, in.weight.sizes(), in.weight, in.eps);
    return {y.to(sum.scalar_type()), sum};
  }
  std::optional<at::Tensor> bias;
  if (in.bias.defined()) bias = in.bias;
  return {at::layer_norm(sum, in.weight.sizes(), in.weight, bias, in.eps), sum};
}

// The norm and, where it is wanted, the sum. The arithmetic is that of fused blocks, so that a
// block that cannot be fused computes the same bits.
variable_list norm(const Norm &in, bool wants_sum) {
  check(in);
  if (norm_has_cuda_kernel(in.x, in.residual, in.weight, in.bias))
    return norm_cuda(in.x, in.residual, in.weight, in.bias, in.eps, in.rms, wants_sum);
  if (!is_ours(in)) return composed(in);
  const bool keep =
      at::GradMode::is_enabled() && torch::autograd::any_variable_requires_grad(in.inputs());
  at::AutoDispatchBelowADInplaceOrView no_grad;
  at::Tensor x = flat(in.x), y = at::empty_like(x), sum = x, w = in.weight.contiguous();
  at::Tensor bias = in.bias.defined() ? in.bias.contiguous() : in.bias;
  if (in.residual.defined()) sum = keep || wants_sum ? at::empty_like(x) : y;
  at::Tensor mean = at::empty({x.size(0)}, at::kFloat), rstd = at::empty_like(mean);
  RowNorm row_norm{w.const_data_ptr<float>(),
                   bias.defined() ? bias.const_data_ptr<float>() : nullptr, in.eps, in.rms};
  if (x.scalar_type() == at::kFloat) {
    forward<float>(in, row_norm, y, sum, mean, rstd);
  } else {
    forward<c10::BFloat16>(in, row_norm, y, sum, mean, rstd);
  }
  variable_list out{at::_unsafe_view(y, in.x.sizes())};
  if (wants_sum) out.push_back(at::_unsafe_view(sum, in.x.sizes()));
  if (!keep) return out;
  std::shared_ptr<NormBackward> node(new NormBackward, torch::autograd::deleteNode);
  node->set_next_edges(torch::autograd::collect_next_edges(in.inputs()));
  node->sum = sum;
  node->weight = w;
  node->mean = mean;
  node->rstd = rstd;
  node->rms = in.rms;
  torch::autograd::set_history(out, node);
  return out;
}

}  // namespace

gt_error gt_layer_norm(gt_tensor *out, int32_t mode, gt_tensor x, gt_tensor weight, gt_tensor bias,
                       double eps) noexcept {
  GT_RESULT(out, mode,
            norm({unwrap(x), {}, unwrap(weight), tensor_or_undefined(bias), eps, /*rms=*/false},
                 false)[kNormed])
}

gt_error gt_rms_norm(gt_tensor *out, int32_t mode, gt_tensor x, gt_tensor weight,
                     double eps) noexcept {
  GT_RESULT(out, mode, norm({unwrap(x), {}, unwrap(weight), {}, eps, /*rms=*/true}, false)[kNormed])
}

gt_error gt_add_layer_norm(gt_tensor *out, int32_t mode, gt_tensor x, gt_tensor residual,
                           gt_tensor weight, gt_tensor bias, double eps) noexcept {
  GT_RESULT(out, mode,
            norm({unwrap(x), unwrap(residual), unwrap(weight), tensor_or_undefined(bias), eps,
                  /*rms=*/false},
                 false)[kNormed])
}

gt_error gt_add_rms_norm(gt_tensor *sum, gt_tensor *normed, int32_t mode, gt_tensor x,
                         gt_tensor residual, gt_tensor weight, double eps) noexcept {
  GT_BOUNDARY(mode, {
    variable_list out =
        norm({unwrap(x), unwrap(residual), unwrap(weight), {}, eps, /*rms=*/true}, true);
    *sum = wrap(out[kSum]);
    *normed = wrap(out[kNormed]);
  })
}
