// Activations fused with what feeds them: a bias, or a gate.
#include "column_sums.h"
#include "device.h"

namespace gopet {
namespace {

constexpr int kThreads = 256;

// act(x), and its derivative.
struct Gelu {
  __device__ static float value(float x) { return 0.5f * x * (1 + erff(x * 0.70710678f)); }
  __device__ static float slope(float x) {
    float density = 0.39894228f * __expf(-0.5f * x * x);
    return 0.5f * (1 + erff(x * 0.70710678f)) + x * density;
  }
};

struct GeluTanh {
  static constexpr float kA = 0.79788456f, kB = 0.044715f;  // sqrt(2 / pi)
  __device__ static float value(float x) {
    return 0.5f * x * (1 + tanhf(kA * (x + kB * x * x * x)));
  }
  __device__ static float slope(float x) {
    float t = tanhf(kA * (x + kB * x * x * x));
    return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * kA * (1 + 3 * kB * x * x);
  }
};

struct Silu {
  __device__ static float sigmoid(float x) { return 1 / (1 + __expf(-x)); }
  __device__ static float value(float x) { return x * sigmoid(x); }
  __device__ static float slope(float x) {
    float s = sigmoid(x);
    return s * (1 + x * (1 - s));
  }
};

struct Relu {
  // A comparison that NaN fails would hide it.
  __device__ static float value(float x) { return x < 0 ? 0 : x; }
  __device__ static float slope(float x) { return x > 0 ? 1 : 0; }
};

template <typename F>
int with_activation(int32_t act, F f) {
  switch (act) {
    case GK_GELU:
      return f(Gelu{});
    case GK_GELU_TANH:
      return f(GeluTanh{});
    case GK_SILU:
      return f(Silu{});
    case GK_RELU:
      return f(Relu{});
    default:
      return cudaErrorInvalidValue;
  }
}

// The position of the first of the n elements that this thread computes.
template <int n>
__device__ int64_t first_element() {
  return (int64_t{blockIdx.x} * kThreads + threadIdx.x) * n;
}

unsigned blocks(int64_t elements, int pack) {
  return static_cast<unsigned>(divide_up(elements, int64_t{kThreads} * pack));
}

template <typename T, typename Act, int n>
__global__ void bias_activation(int64_t elements, int64_t width, const T *x, const T *bias, T *y) {
  int64_t i = first_element<n>();
  if (i >= elements) return;
  float v[n], b[n] = {};
  load<T, n>(x + i, v);
  if (bias != nullptr) load<T, n>(bias + i % width, b);
#pragma unroll
  for (int j = 0; j < n; j++) v[j] = Act::value(v[j] + b[j]);
  store<T, n>(y + i, v);
}

template <typename T, typename Act, int n>
__global__ void bias_activation_backward(int64_t elements, int64_t width, const T *dy, const T *x,
                                         const T *bias, T *dx) {
  int64_t i = first_element<n>();
  if (i >= elements) return;
  float d[n], v[n], b[n] = {};
  load<T, n>(dy + i, d);
  load<T, n>(x + i, v);
  if (bias != nullptr) load<T, n>(bias + i % width, b);
#pragma unroll
  for (int j = 0; j < n; j++) d[j] *= Act::slope(v[j] + b[j]);
  store<T, n>(dx + i, d);
}

template <typename T, typename Act>
struct BiasGradient {
  const T *dy, *x, *bias;
  int64_t width;
  __device__ void operator()(int64_t row, int64_t column, float (&sums)[1]) const {
    int64_t i = row * width + column;
    float b = bias != nullptr ? to_float(bias[column]) : 0;
    sums[0] += to_float(dy[i]) * Act::slope(to_float(x[i]) + b);
  }
};

template <typename T, typename Act, int n>
__global__ void gated_activation(int64_t elements, const T *gate, const T *x, T *y) {
  int64_t i = first_element<n>();
  if (i >= elements) return;
  float g[n], v[n];
  load<T, n>(gate + i, g);
  load<T, n>(x + i, v);
#pragma unroll
  for (int j = 0; j < n; j++) v[j] *= Act::value(g[j]);
  store<T, n>(y + i, v);
}

template <typename T, typename Act, int n>
__global__ void gated_activation_backward(int64_t elements, const T *dy, const T *gate, const T *x,
                                          T *dgate, T *dx) {
  int64_t i = first_element<n>();
  if (i >= elements) return;
  float d[n], g[n], v[n];
  load<T, n>(dy + i, d);
  load<T, n>(gate + i, g);
  load<T, n>(x + i, v);
#pragma unroll
  for (int j = 0; j < n; j++) {
    float gate_slope = Act::slope(g[j]);
    g[j] = d[j] * Act::value(g[j]);
    v[j] *= d[j] * gate_slope;
  }
  store<T, n>(dx + i, g);
  store<T, n>(dgate + i, v);
}

}  // namespace
}  // namespace gopet

using namespace gopet;

int gk_bias_activation(int32_t dtype, int32_t act, int64_t rows, int64_t width, const void *x,
                       const void *bias, void *y, void *stream) noexcept {
  return with_type(dtype, [&](auto type) {
    using T = decltype(type);
    return with_activation(act, [&](auto activation) {
      return with_flag(is_wide<T>(width, x, bias, y), [&](auto wide) {
        constexpr int n = kPack<T, decltype(wide)::on>;
        return launch(bias_activation<T, decltype(activation), n>, dim3(blocks(rows * width, n)),
                      kThreads, 0, stream, rows * width, width, static_cast<const T *>(x),
                      static_cast<const T *>(bias), static_cast<T *>(y));
      });
    });
  });
}

int64_t gk_bias_activation_workspace(int64_t rows, int64_t width) noexcept {
  return column_sums_scratch(rows, width, 1) * static_cast<int64_t>(sizeof(float));
}

int gk_bias_activation_backward(int32_t dtype, int32_t act, int64_t rows, int64_t width,
                                const void *dy, const void *x, const void *bias, void *dx,
                                float *dbias, void *workspace, void *stream) noexcept {
  return with_type(dtype, [&](auto type) {
    using T = decltype(type);
    return with_activation(act, [&](auto activation) {
      using Act = decltype(activation);
      auto d = static_cast<const T *>(dy), v = static_cast<const T *>(x);
      auto b = static_cast<const T *>(bias);
      // First, because dx may be written over dy.
      if (dbias != nullptr) {
        int error = column_sums<1>(BiasGradient<T, Act>{d, v, b, width}, rows, width,
                                   ColumnSums<1>{{dbias}}, static_cast<float *>(workspace), stream);
        if (error != cudaSuccess) return error;
      }
      return with_flag(is_wide<T>(width, dy, x, bias, dx), [&](auto wide) {
        constexpr int n = kPack<T, decltype(wide)::on>;
        return launch(bias_activation_backward<T, Act, n>, dim3(blocks(rows * width, n)), kThreads,
                      0, stream, rows * width, width, d, v, b, static_cast<T *>(dx));
      });
    });
  });
}

int gk_gated_activation(int32_t dtype, int32_t act, int64_t elements, const void *gate,
                        const void *x, void *y, void *stream) noexcept {
  return with_type(dtype, [&](auto type) {
    using T = decltype(type);
    return with_activation(act, [&](auto activation) {
      return with_flag(is_wide<T>(elements, gate, x, y), [&](auto wide) {
        constexpr int n = kPack<T, decltype(wide)::on>;
        return launch(gated_activation<T, decltype(activation), n>, dim3(blocks(elements, n)),
                      kThreads, 0, stream, elements, static_cast<const T *>(gate),
                      static_cast<const T *>(x), static_cast<T *>(y));
      });
    });
  });
}

int gk_gated_activation_backward(int32_t dtype, int32_t act, int64_t elements, const void *dy,
                                 const void *gate, const void *x, void *dgate, void *dx,
                                 void *stream) noexcept {
  return with_type(dtype, [&](auto type) {
    using T = decltype(type);
    return with_activation(act, [&](auto activation) {
      return with_flag(is_wide<T>(elements, dy, gate, x, dgate, dx), [&](auto wide) {
        constexpr int n = kPack<T, decltype(wide)::on>;
        return launch(gated_activation_backward<T, decltype(activation), n>,
                      dim3(blocks(elements, n)), kThreads, 0, stream, elements,
                      static_cast<const T *>(dy), static_cast<const T *>(gate),
                      static_cast<const T *>(x), static_cast<T *>(dgate), static_cast<T *>(dx));
      });
    });
  });
}
