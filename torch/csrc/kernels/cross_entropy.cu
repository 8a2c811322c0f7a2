// Cross-entropy over logits, a block a row. The forward pass reads the logits
// once, the backward pass writes the gradient over them: nothing of their size
// is stored besides.
#include "device.h"
#include "reduce.h"

namespace gopet {
namespace {

constexpr int kThreads = 256, kTotalThreads = 1024;
constexpr int64_t kIgnored = -100;

// The weight of a row with this target; NaN where it is no class.
__device__ float row_weight(const gk_cross_entropy &a, int64_t target) {
  if (target == kIgnored) return 0;
  if (target < 0 || target >= a.classes) return nanf("");
  return a.weights != nullptr ? a.weights[target] : 1;
}

// A sum of exponentials, scaled by that of the largest exponent.
struct Exponentials {
  float largest = -INFINITY, sum = 0;

  template <int n>
  __device__ void add(const float (&x)[n]) {
    float before = largest;
#pragma unroll
    for (int i = 0; i < n; i++) largest = fmaxf(largest, x[i]);
    if (largest == -INFINITY) return;  // exp(-inf - -inf) is no number
    sum *= __expf(before - largest);
#pragma unroll
    for (int i = 0; i < n; i++) sum += __expf(x[i] - largest);
  }
};

template <typename T, int n>
__global__ void losses(gk_cross_entropy a) {
  float *scratch = reinterpret_cast<float *>(shared_memory());
  int64_t row = blockIdx.x, target = a.targets[row];
  auto logits = static_cast<const T *>(a.logits) + row * a.stride;
  if (target == kIgnored) {
    if (threadIdx.x == 0) a.losses[row] = a.logsumexp[row] = 0;
    return;
  }
  Exponentials mine;
  int64_t packed = a.classes / n * n;
  for (int64_t c = int64_t{threadIdx.x} * n; c < packed; c += kThreads * n) {
    float x[n];
    load<T, n>(logits + c, x);
    mine.add(x);
  }
  for (int64_t c = packed + threadIdx.x; c < a.classes; c += kThreads) {
    float x[1] = {to_float(logits[c])};
    mine.add(x);
  }
  // fmaxf passes over a NaN; the sum does not.
  float largest = block_reduce(mine.largest, Max{}, scratch);
  float sum = block_sum(mine.sum * __expf(mine.largest - largest), scratch);
  if (threadIdx.x != 0) return;
  float logsumexp = largest + logf(sum), weight = row_weight(a, target);
  bool known = target >= 0 && target < a.classes;
  a.logsumexp[row] = logsumexp;
  a.losses[row] = weight * (logsumexp - (known ? to_float(logits[target]) : 0));
}

__global__ void add_losses(gk_cross_entropy a) {
  float *scratch = reinterpret_cast<float *>(shared_memory());
  float loss = 0, weight = 0;
  for (int64_t row = threadIdx.x; row < a.rows; row += kTotalThreads) {
    loss += a.losses[row];
    weight += row_weight(a, a.targets[row]);
  }
  loss = block_sum(loss, scratch);
  weight = block_sum(weight, scratch);
  if (threadIdx.x != 0) return;
  a.totals[0] = loss;
  a.totals[1] = weight;
  a.totals[2] = loss / weight;
}

template <typename T, int n>
__global__ void logit_gradient(gk_cross_entropy a, T *all_logits, const float *scale,
                               const float *divisor) {
  int64_t row = blockIdx.x, target = a.targets[row];
  T *logits = all_logits + row * a.stride;
  float factor = row_weight(a, target) * *scale, logsumexp = a.logsumexp[row];
  if (divisor != nullptr) factor /= *divisor;
  auto gradient = [&](int64_t c, float x) {
    return target == kIgnored ? 0 : factor * (__expf(x - logsumexp) - (c == target ? 1 : 0));
  };
  int64_t packed = a.classes / n * n;
  for (int64_t c = int64_t{threadIdx.x} * n; c < packed; c += kThreads * n) {
    float x[n];
    load<T, n>(logits + c, x);
#pragma unroll
    for (int i = 0; i < n; i++) x[i] = gradient(c + i, x[i]);
    store<T, n>(logits + c, x);
  }
  for (int64_t c = packed + threadIdx.x; c < a.classes; c += kThreads)
    logits[c] = from_float<T>(gradient(c, to_float(logits[c])));
}

dim3 a_block_a_row(const gk_cross_entropy *a) { return dim3(static_cast<unsigned>(a->rows)); }

}  // namespace
}  // namespace gopet

using namespace gopet;

int gk_cross_entropy_forward(const gk_cross_entropy *a, void *stream) noexcept {
  int error = with_type(a->dtype, [&](auto type) {
    using T = decltype(type);
    return with_flag(is_wide<T>(a->stride, a->logits), [&](auto wide) {
      return launch(losses<T, kPack<T, decltype(wide)::on>>, a_block_a_row(a), kThreads,
                    kWarp * sizeof(float), stream, *a);
    });
  });
  if (error != cudaSuccess || a->totals == nullptr) return error;
  return launch(add_losses, dim3(1), kTotalThreads, kWarp * sizeof(float), stream, *a);
}

int gk_cross_entropy_backward(const gk_cross_entropy *a, void *logits, const float *scale,
                              const float *divisor, void *stream) noexcept {
  return with_type(a->dtype, [&](auto type) {
    using T = decltype(type);
    return with_flag(is_wide<T>(a->stride, logits), [&](auto wide) {
      return launch(logit_gradient<T, kPack<T, decltype(wide)::on>>, a_block_a_row(a), kThreads, 0,
                    stream, *a, static_cast<T *>(logits), scale, divisor);
    });
  });
}
