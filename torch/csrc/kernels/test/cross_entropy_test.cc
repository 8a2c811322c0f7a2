#include "check.h"

namespace test {
namespace {

template <typename T>
void cross_entropy(int64_t rows, int64_t classes, int64_t stride, bool weighted,
                   std::vector<int64_t> targets, double spread = 3) {
  std::string what = text("cross_entropy %s [%ld, %ld]", kName<T>, rows, classes);
  auto logits = random<T>(rows * stride, 1, spread);
  auto weights = random<float>(weighted ? classes : 0, 2);
  for (float &w : weights) w = std::fabs(w);
  gk_cross_entropy a{};
  a.dtype = kType<T>;
  a.rows = rows;
  a.classes = classes;
  a.stride = stride;
  a.logits = logits.data();
  a.targets = targets.data();
  a.weights = weighted ? weights.data() : nullptr;
  auto losses = unwritten<float>(rows), logsumexp = losses, totals = unwritten<float>(3);
  in_every_order(
      what,
      [&](auto &l, auto &s, auto &t) {
        a.losses = l.data();
        a.logsumexp = s.data();
        a.totals = t.data();
        return gk_cross_entropy_forward(&a, nullptr);
      },
      losses, logsumexp, totals);
  const float scale = 2.5;
  a.logsumexp = logsumexp.data();
  auto gradient = logits;
  in_every_order(
      what,
      [&](auto &g) { return gk_cross_entropy_backward(&a, g.data(), &scale, &totals[1], nullptr); },
      gradient);

  std::vector<double> want_losses(rows), want_gradient = doubles(logits), want_totals(3);
  std::vector<double> row_weights(rows);
  for (int64_t r = 0; r < rows; r++) {
    int64_t target = targets[r];
    bool known = target >= 0 && target < classes;
    double w = target == -100 ? 0 : !known ? NAN : weighted ? weights[target] : 1;
    double largest = -INFINITY, sum = 0;
    for (int64_t c = 0; c < classes; c++) {
      largest = std::max(largest, double{to_float(logits[r * stride + c])});
    }
    for (int64_t c = 0; c < classes; c++) {
      sum += std::exp(to_float(logits[r * stride + c]) - largest);
    }
    double lse = largest + std::log(sum);
    want_losses[r] = w == 0 ? 0 : w * (lse - (known ? to_float(logits[r * stride + target]) : 0));
    want_totals[0] += want_losses[r];
    want_totals[1] += w;
    row_weights[r] = w;
    for (int64_t c = 0; c < classes; c++) {
      double &g = want_gradient[r * stride + c];
      g = w == 0 ? 0 : w * (std::exp(g - lse) - (c == target));
    }
  }
  want_totals[2] = want_totals[0] / want_totals[1];
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < classes; c++) {
      if (row_weights[r] != 0) want_gradient[r * stride + c] *= scale / want_totals[1];
    }
  }
  close(losses, want_losses, 1e-5, 1e-5, what + " losses");
  close(totals, want_totals, 1e-5, 1e-5, what + " totals");
  close(gradient, want_gradient, kEpsilon<T> + 1e-5, 1e-7 + kEpsilon<T> * 1e-4, what + " gradient");
}

}  // namespace

void cross_entropy() {
  for_every_type([](auto type) {
    using T = decltype(type);
    cross_entropy<T>(4, 2, 2, false, {0, 1, 1, 0});
    cross_entropy<T>(3, 5, 8, true, {4, -100, 0});
    cross_entropy<T>(2, 3000, 3000, true, {2999, 17});
    cross_entropy<T>(2, 3001, 3008, false, {3000, 17});
    cross_entropy<T>(2, 1, 1, false, {0, 0});
    cross_entropy<T>(2, 40, 40, false, {-100, -100});  // the mean of nothing is NaN, as in PyTorch
    cross_entropy<T>(3, 40, 40, true, {40, 3, -1});
    cross_entropy<T>(0, 40, 40, false, {});
    cross_entropy<T>(2, 300, 300, false, {1, 2}, 1000);
  });
  // Hidden classes: a block's thread that sees nothing else must not make a NaN.
  std::vector<float> logits(2048, -INFINITY), loss(1), logsumexp(1);
  logits[7] = 1;
  logits[2000] = 1;
  int64_t target = 7;
  gk_cross_entropy a{GK_FLOAT32,       1,       2048,    2048,
                     logits.data(),    &target, nullptr, loss.data(),
                     logsumexp.data(), nullptr};
  check(gk_cross_entropy_forward(&a, nullptr) == 0, "cross_entropy of hidden classes");
  close(loss, {std::log(2.0)}, 1e-6, 0, "cross_entropy of hidden classes");
}

}  // namespace test
