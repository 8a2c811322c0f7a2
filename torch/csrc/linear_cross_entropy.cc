// Cross-entropy under a frozen linear head, as a language model has, without
// the logits of all tokens: they are computed for a chunk of tokens at a time,
// and the gradient for the head's input from them at once.
#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

#include <algorithm>
#include <vector>

#include "blocks.h"
#include "boundary.h"
#include "cpu_dispatch.h"
#include "cross_entropy_cuda.h"
#include "elementwise.h"

using namespace gopet;
using torch::autograd::variable_list;

namespace {

constexpr int64_t kIgnored = -100;  // a target that counts for nothing, as in PyTorch

// Logits held at once: with fewer tokens reading the weight would take longer
// than the products.
constexpr int64_t kChunkBytes = int64_t{16} << 20;

// The weight is cut into slices of classes, which threads share. What the
// gradient sums over, it sums slice by slice, whatever the number of threads.
constexpr int64_t kMostSlices = 16;
constexpr int64_t kLeastClasses = 256;

// Probabilities below count for nothing: sums of them and a weight would be denormal numbers, at
// which processors are slow. Logits of random weights lie so far apart.
constexpr float kLeastProbability = 1e-30f;

// Writes each row's loss. Turns the logits to the loss's gradient for them.
template <typename T>
inline void losses_of_rows(Matrix<T> logits, const int64_t *target, float *loss) {
  for (int64_t i = 0; i < logits.rows; i++) {
    T *row = logits.row(i);
    float largest = to_float(row[0]), sum = 0;
#pragma omp simd reduction(max : largest)
    for (int64_t c = 0; c < logits.cols; c++)
      largest = to_float(row[c]) > largest ? to_float(row[c]) : largest;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < logits.cols; c++) sum += exp_of(to_float(row[c]) - largest);
    bool counts = target[i] != kIgnored;
    float log_sum = largest + std::log(sum), scale = counts ? 1 : 0;
    loss[i] = counts ? log_sum - to_float(row[target[i]]) : 0;
#pragma omp simd
    for (int64_t c = 0; c < logits.cols; c++) {
      float p = exp_of(to_float(row[c]) - log_sum);
      row[c] = from_float<T>(p < kLeastProbability ? 0 : scale * p);
    }
    if (counts) row[target[i]] = from_float<T>(to_float(row[target[i]]) - 1);
  }
}

// Calls f(slice, its first class, how many) for all, on all threads.
template <typename F>
void for_slices(int64_t slices, int64_t classes, F f) {
  at::parallel_for(0, slices, 1, [&](int64_t begin, int64_t end) {
    at::AutoDispatchBelowAutograd no_grad;
    ProductsOfOneThread same_bits;
    for (int64_t i = begin; i < end; i++) {
      int64_t first = classes * i / slices;
      f(i, first, classes * (i + 1) / slices - first);
    }
  });
}

// Writes each token's loss and, where it is defined, the gradient of their sum.
template <typename T>
void losses_of(const at::Tensor &hidden, const at::Tensor &weight, const at::Tensor &targets,
               const at::Tensor &loss, const at::Tensor &dhidden) {
  const int64_t tokens = hidden.size(0), dim = hidden.size(1), classes = weight.size(0);
  const int64_t slices = std::clamp<int64_t>(classes / kLeastClasses, 1, kMostSlices);
  const int64_t fit = kChunkBytes / (classes * static_cast<int64_t>(sizeof(T)));
  const int64_t chunk = std::clamp<int64_t>(fit, 1, std::max<int64_t>(tokens, 1));
  const Matrix<const T> w = const_matrix<T>(weight);
  const int64_t *target = targets.const_data_ptr<int64_t>();
  at::Tensor buffer = at::empty({chunk, classes}, hidden.options()), sums;
  if (dhidden.defined()) sums = at::empty({slices, chunk, dim}, hidden.options());
  for (int64_t first = 0; first < tokens; first += chunk) {
    const int64_t n = std::min(chunk, tokens - first);
    const Matrix<const T> h = const_matrix<T>(hidden).rows_from(first, n);
    const Matrix<T> logits = matrix<T>(buffer).rows_from(0, n);
    for_slices(slices, classes, [&](int64_t, int64_t c, int64_t count) {
      gemm(logits.columns_from(c, count), h, Transpose::no, w.rows_from(c, count), Transpose::yes,
           false);
    });
    at::parallel_for(0, n, 1, [&](int64_t begin, int64_t end) {
      cpu_dispatch<losses_of_rows<T>>(logits.rows_from(begin, end - begin), target + first + begin,
                                      loss.data_ptr<float>() + first + begin);
    });
    if (!dhidden.defined()) continue;
    for_slices(slices, classes, [&](int64_t slice, int64_t c, int64_t count) {
      Matrix<T> sum(sums.data_ptr<T>() + slice * chunk * dim, n, dim);
      gemm(sum, Matrix<const T>(logits.columns_from(c, count)), Transpose::no,
           w.rows_from(c, count), Transpose::no, false);
    });
    at::Tensor d = dhidden.narrow(0, first, n);
    at::sum_out(d, sums.narrow(1, 0, n), 0);
  }
}

struct LinearCrossEntropyBackward : torch::autograd::Node {
  at::Tensor dhidden;  // of the sum of all losses
  int64_t divisor;     // of the sum, in the loss

  variable_list apply(variable_list &&gradients) override {
    TORCH_CHECK(dhidden.defined(), "backward through the same cross-entropy a second time");
    if (!gradients[0].defined()) return variable_list(1);
    at::Tensor scale = gradients[0].div(divisor).to(dhidden.scalar_type());
    return {dhidden * (scale.dim() == 0 ? scale : scale.unsqueeze(1))};
  }

  void release_variables() override { dhidden = at::Tensor(); }
  std::string name() const override { return "LinearCrossEntropyBackward"; }
};

void check(const at::Tensor &hidden, const at::Tensor &weight, const at::Tensor &targets) {
  TORCH_CHECK(hidden.dim() == 2 && weight.dim() == 2 && hidden.size(1) == weight.size(1) &&
                  targets.dim() == 1 && targets.size(0) == hidden.size(0),
              "cross-entropy of hidden ", hidden.sizes(), ", weight ", weight.sizes(),
              " and targets ", targets.sizes());
  TORCH_CHECK(targets.scalar_type() == at::kLong, "targets of dtype ", targets.scalar_type(),
              ", want int64");
}

// The number of targets that count.
int64_t counted(const at::Tensor &targets, int64_t vocabulary) {
  const int64_t *target = targets.const_data_ptr<int64_t>();
  int64_t n = 0;
  for (int64_t i = 0; i < targets.size(0); i++) {
    if (target[i] == kIgnored) continue;
    TORCH_CHECK_INDEX(target[i] >= 0 && target[i] < vocabulary, "target ", target[i], " of ",
                      vocabulary, " classes");
    n++;
  }
  return n;
}

at::Tensor reduced(const at::Tensor &losses, at::Reduction::Reduction reduction, int64_t count) {
  if (reduction == at::Reduction::None) return losses;
  at::Tensor sum = losses.sum();
  return reduction == at::Reduction::Sum ? sum : sum / static_cast<double>(count);
}

at::Tensor composed(const at::Tensor &hidden, const at::Tensor &weight, const at::Tensor &targets,
                    at::Reduction::Reduction reduction) {
  at::Tensor logits = at::linear(hidden, weight);
  if (cross_entropy_has_cuda_kernel(logits, targets, reduction))
    return cross_entropy_cuda(logits, targets, {}, reduction);
  if (logits.scalar_type() != at::kDouble) logits = logits.to(at::kFloat);
  return at::cross_entropy_loss(logits, targets, {}, reduction, kIgnored);
}

at::Tensor linear_cross_entropy(const at::Tensor &hidden, const at::Tensor &weight,
                                const at::Tensor &targets, at::Reduction::Reduction reduction) {
  check(hidden, weight, targets);
  const bool records = at::GradMode::is_enabled();
  auto type = hidden.scalar_type();
  bool ours = hidden.is_cpu() && weight.is_cpu() && targets.is_cpu() && weight.size(0) > 0 &&
              (type == at::kFloat || type == at::kBFloat16) && weight.scalar_type() == type &&
              !(records && weight.requires_grad());
  if (!ours) return composed(hidden, weight, targets, reduction);

  const bool keep = records && hidden.requires_grad();
  at::AutoDispatchBelowADInplaceOrView no_grad;
  at::Tensor h = hidden.contiguous(), w = weight.contiguous(), t = targets.contiguous();
  const int64_t count = counted(t, w.size(0));
  at::Tensor losses = at::empty({h.size(0)}, at::kFloat), dhidden;
  if (keep) dhidden = at::empty_like(h);
  if (type == at::kFloat) {
    losses_of<float>(h, w, t, losses, dhidden);
  } else {
    losses_of<c10::BFloat16>(h, w, t, losses, dhidden);
  }
  at::Tensor loss = reduced(losses, reduction, count);
  if (!keep) return loss;
  std::shared_ptr<LinearCrossEntropyBackward> node(new LinearCrossEntropyBackward,
                                                   torch::autograd::deleteNode);
  node->set_next_edges(torch::autograd::collect_next_edges(hidden));
  node->dhidden = dhidden;
  node->divisor = reduction == at::Reduction::Mean ? std::max<int64_t>(count, 1) : 1;
  torch::autograd::set_history(loss, node);
  return loss;
}

}  // namespace

gt_error gt_linear_cross_entropy(gt_tensor *out, int32_t mode, gt_tensor hidden, gt_tensor weight,
                                 gt_tensor targets, int32_t reduction) noexcept {
  GT_RESULT(out, mode,
            linear_cross_entropy(unwrap(hidden), unwrap(weight), unwrap(targets),
                                 static_cast<at::Reduction::Reduction>(reduction)))
}
