// Layer norm and RMS norm of x + residual, a warp a row. A row is read from
// device memory once; what a lane read waits for it in shared memory.
#include "column_sums.h"
#include "device.h"
#include "reduce.h"

namespace gopet {
namespace {

constexpr int kWarpsAtMost = 4;
constexpr int64_t kSharedFloats = 12 * 1024;        // 48 KiB, which needs no permission
constexpr int64_t kSharedFloatsAtMost = 40 * 1024;  // what compute capability 8.0 has

// Rows that a block has room for, when each takes so many floats.
int64_t rows_a_block(int64_t floats) {
  return larger(1, smaller(kWarpsAtMost, kSharedFloats / larger(floats, 1)));
}

// Calls f for the first of every n columns that this lane has.
template <int n, typename F>
__device__ void for_columns(int64_t width, F f) {
  for (int64_t c = threadIdx.x % kWarp * n; c < width; c += kWarp * n) f(c);
}

template <int n>
__device__ void put(float *row, const float (&v)[n]) {
#pragma unroll
  for (int i = 0; i < n; i++) row[i] = v[i];
}

template <typename T, typename W, int n>
__global__ void norm_forward(gk_norm a) {
  int64_t warp = threadIdx.x / kWarp, row = blockIdx.x * int64_t{blockDim.x / kWarp} + warp;
  if (row >= a.rows) return;
  float *kept = reinterpret_cast<float *>(shared_memory()) + warp * a.width;
  int64_t start = row * a.width;
  auto x = static_cast<const T *>(a.x) + start;
  auto residual = static_cast<const T *>(a.residual);
  auto weight = static_cast<const W *>(a.weight), bias = static_cast<const W *>(a.bias);
  float inverse = 1 / static_cast<float>(a.width);

  float total = 0;
  for_columns<n>(a.width, [&](int64_t c) {
    float v[n], r[n];
    load<T, n>(x + c, v);
    if (residual != nullptr) {
      load<T, n>(residual + start + c, r);
#pragma unroll
      for (int i = 0; i < n; i++) v[i] = to_float(from_float<T>(v[i] + r[i]));
    }
    if (a.sum != nullptr) store<T, n>(static_cast<T *>(a.sum) + start + c, v);
    put<n>(kept + c, v);
#pragma unroll
    for (int i = 0; i < n; i++) total += v[i];
  });
  float mean = a.rms ? 0 : warp_sum(total) * inverse;

  float squares = 0;
  for_columns<n>(a.width, [&](int64_t c) {
#pragma unroll
    for (int i = 0; i < n; i++) {
      float d = kept[c + i] - mean;
      squares += d * d;
    }
  });
  float rstd = rsqrtf(warp_sum(squares) * inverse + static_cast<float>(a.eps));

  for_columns<n>(a.width, [&](int64_t c) {
    float w[n], b[n] = {};
    load<W, n>(weight + c, w);
    if (bias != nullptr) load<W, n>(bias + c, b);
#pragma unroll
    for (int i = 0; i < n; i++) w[i] = (kept[c + i] - mean) * rstd * w[i] + b[i];
    store<T, n>(static_cast<T *>(a.y) + start + c, w);
  });
  if (threadIdx.x % kWarp == 0) {
    if (a.mean != nullptr && !a.rms) a.mean[row] = mean;
    if (a.rstd != nullptr) a.rstd[row] = rstd;
  }
}

template <typename T, typename W, int n>
__global__ void norm_backward(gk_norm_gradient a) {
  int64_t warp = threadIdx.x / kWarp, row = blockIdx.x * int64_t{blockDim.x / kWarp} + warp;
  if (row >= a.rows) return;
  float *gradient = reinterpret_cast<float *>(shared_memory()) + 2 * warp * a.width;
  float *normal = gradient + a.width;
  int64_t start = row * a.width;
  float mean = a.rms ? 0 : a.mean[row], rstd = a.rstd[row];

  // The gradient of the normal numbers, and its mean and that of its product with them.
  float total = 0, product = 0;
  for_columns<n>(a.width, [&](int64_t c) {
    float g[n], v[n], w[n];
    load<T, n>(static_cast<const T *>(a.dy) + start + c, g);
    load<T, n>(static_cast<const T *>(a.sum) + start + c, v);
    load<W, n>(static_cast<const W *>(a.weight) + c, w);
#pragma unroll
    for (int i = 0; i < n; i++) {
      g[i] *= w[i];
      v[i] = (v[i] - mean) * rstd;
      total += g[i];
      product += g[i] * v[i];
    }
    put<n>(gradient + c, g);
    put<n>(normal + c, v);
  });
  float inverse = 1 / static_cast<float>(a.width);
  total = a.rms ? 0 : warp_sum(total) * inverse;
  product = warp_sum(product) * inverse;

  for_columns<n>(a.width, [&](int64_t c) {
    float d[n] = {};
    if (a.dsum != nullptr) load<T, n>(static_cast<const T *>(a.dsum) + start + c, d);
#pragma unroll
    for (int i = 0; i < n; i++) d[i] += rstd * (gradient[c + i] - total - normal[c + i] * product);
    store<T, n>(static_cast<T *>(a.dx) + start + c, d);
  });
}

template <typename T>
struct WeightGradient {
  const T *dy, *sum;
  const float *mean, *rstd;
  int64_t width;
  __device__ void operator()(int64_t row, int64_t column, float (&sums)[2]) const {
    int64_t i = row * width + column;
    float d = to_float(dy[i]), m = mean != nullptr ? mean[row] : 0;
    sums[0] += d * (to_float(sum[i]) - m) * rstd[row];
    sums[1] += d;
  }
};

// Calls f(T{}, W{}, Flag) for the tensors' type, the weights' and whether 16 bytes can be read at
// once.
template <typename A, typename F>
int with_norm_types(const A &a, bool (*aligned)(const A &, size_t), F f) {
  if (a.width > kSharedFloatsAtMost / 2) return cudaErrorInvalidValue;
  return with_type(a.dtype, [&](auto type) {
    return with_type(a.weight_dtype, [&](auto weight) {
      return with_flag(aligned(a, sizeof type), [&](auto wide) { return f(type, weight, wide); });
    });
  });
}

bool rows_are_wide(int64_t width, size_t size) { return width * size % 16 == 0; }

bool forward_is_wide(const gk_norm &a, size_t size) {
  return rows_are_wide(a.width, size) &&
         is_wide<char>(0, a.x, a.residual, a.weight, a.bias, a.sum, a.y);
}

bool backward_is_wide(const gk_norm_gradient &a, size_t size) {
  return rows_are_wide(a.width, size) && is_wide<char>(0, a.dy, a.dsum, a.sum, a.weight, a.dx);
}

}  // namespace
}  // namespace gopet

using namespace gopet;

int gk_norm_forward(const gk_norm *a, void *stream) noexcept {
  return with_norm_types(*a, forward_is_wide, [&](auto type, auto weight, auto wide) {
    using T = decltype(type);
    int64_t rows = rows_a_block(a->width);
    return launch(norm_forward<T, decltype(weight), kPack<T, decltype(wide)::on>>,
                  dim3(static_cast<unsigned>(divide_up(a->rows, rows))),
                  static_cast<int>(rows * kWarp), rows * a->width * sizeof(float), stream, *a);
  });
}

int64_t gk_norm_workspace(int64_t rows, int64_t width) noexcept {
  return column_sums_scratch(rows, width, 2) * static_cast<int64_t>(sizeof(float));
}

int gk_norm_backward(const gk_norm_gradient *a, void *stream) noexcept {
  return with_norm_types(*a, backward_is_wide, [&](auto type, auto weight, auto wide) {
    using T = decltype(type);
    // First, because dx may be written over dy.
    if (a->dweight != nullptr || a->dbias != nullptr) {
      WeightGradient<T> gradient{static_cast<const T *>(a->dy), static_cast<const T *>(a->sum),
                                 a->rms ? nullptr : a->mean, a->rstd, a->width};
      int error = column_sums<2>(gradient, a->rows, a->width, ColumnSums<2>{{a->dweight, a->dbias}},
                                 static_cast<float *>(a->workspace), stream);
      if (error != cudaSuccess) return error;
    }
    if (a->dx == nullptr) return static_cast<int>(cudaSuccess);
    int64_t rows = rows_a_block(2 * a->width);
    return launch(norm_backward<T, decltype(weight), kPack<T, decltype(wide)::on>>,
                  dim3(static_cast<unsigned>(divide_up(a->rows, rows))),
                  static_cast<int>(rows * kWarp), rows * 2 * a->width * sizeof(float), stream, *a);
  });
}
