// Loops that the compiler vectorises, once for each instruction set.
#include "rows.h"

#include <cmath>

#include "cpu_dispatch.h"
#include "elementwise.h"

namespace gopet {
namespace {

struct Value {
  float y, slope;
};

// The logistic function. 1 - y is not subtracted: it would lose its digits where y is near 1.
inline Value logistic(float x) {
  float e = exp_of(-x), y = 1 / (1 + e);
  return {y, y * (y * e)};
}

template <Activation act>
inline Value value(float x) {
  if constexpr (act == Activation::gelu) {
    float cdf = std::fma(0.5f, erf_of(x * 0.70710678f), 0.5f);
    return {x * cdf, std::fma(x * 0.39894228f, exp_of(-0.5f * x * x), cdf)};
  } else if constexpr (act == Activation::gelu_tanh) {
    // (1 + tanh(u)) / 2 is the logistic function of 2u.
    Value s = logistic(1.59576912f * std::fma(0.044715f * x * x, x, x));
    float du = 1.59576912f * std::fma(0.134145f * x, x, 1.f);
    return {x * s.y, std::fma(x * du, s.slope, s.y)};
  } else if constexpr (act == Activation::relu) {
    return {x < 0 ? 0 : x, x > 0 ? 1.f : 0.f};  // a NaN stays one
  } else if constexpr (act == Activation::silu) {
    Value s = logistic(x);
    return {x * s.y, std::fma(x, s.slope, s.y)};
  } else if constexpr (act == Activation::tanh) {
    Value s = logistic(2 * x);
    return {2 * s.y - 1, 4 * s.slope};
  } else {
    return {x, 1};
  }
}

// Calls f with the activation as a constant.
template <typename F>
inline void with(Activation act, F f) {
  switch (act) {
    case Activation::none:
      return f(std::integral_constant<Activation, Activation::none>());
    case Activation::gelu:
      return f(std::integral_constant<Activation, Activation::gelu>());
    case Activation::gelu_tanh:
      return f(std::integral_constant<Activation, Activation::gelu_tanh>());
    case Activation::relu:
      return f(std::integral_constant<Activation, Activation::relu>());
    case Activation::silu:
      return f(std::integral_constant<Activation, Activation::silu>());
    case Activation::tanh:
      return f(std::integral_constant<Activation, Activation::tanh>());
  }
}

template <typename T>
inline void normalize_row(T *y, const T *x, int64_t n, const RowNorm &norm, float *mean,
                          float *rstd) {
  float sum = 0, squares = 0;
  if (!norm.rms) {
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < n; c++) sum += to_float(x[c]);
  }
  float m = sum / static_cast<float>(n);
#pragma omp simd reduction(+ : squares)
  for (int64_t c = 0; c < n; c++) {
    float d = to_float(x[c]) - m;
    squares += d * d;
  }
  float r = 1 / std::sqrt(squares / static_cast<float>(n) + static_cast<float>(norm.eps));
  if (norm.bias == nullptr) {
#pragma omp simd
    for (int64_t c = 0; c < n; c++) y[c] = from_float<T>((to_float(x[c]) - m) * r * norm.weight[c]);
  } else {
#pragma omp simd
    for (int64_t c = 0; c < n; c++)
      y[c] = from_float<T>(std::fma((to_float(x[c]) - m) * r, norm.weight[c], norm.bias[c]));
  }
  *mean = m;
  *rstd = r;
}

template <typename T>
inline void normalize_row_backward(T *dx, const T *dy, const T *x, int64_t n, const RowNorm &norm,
                                   float mean, float rstd) {
  const float *weight = norm.weight;
  float sum = 0, dot = 0;
#pragma omp simd reduction(+ : sum, dot)
  for (int64_t c = 0; c < n; c++) {
    float g = to_float(dy[c]) * weight[c];
    sum += g;
    dot += g * (to_float(x[c]) - mean);
  }
  float a = norm.rms ? 0 : rstd / static_cast<float>(n) * sum;
  float b = rstd * rstd * rstd / static_cast<float>(n) * dot;
#pragma omp simd
  for (int64_t c = 0; c < n; c++)
    dx[c] = from_float<T>(rstd * to_float(dy[c]) * weight[c] - a - b * (to_float(x[c]) - mean));
}

template <typename T>
void add_bias_rows(Matrix<T> y, const T *bias) {
  for (int64_t i = 0; i < y.rows; i++) {
    T *row = y.row(i);
#pragma omp simd
    for (int64_t c = 0; c < y.cols; c++)
      row[c] = from_float<T>(to_float(row[c]) + to_float(bias[c]));
  }
}

template <typename T>
void scale_rows(Matrix<T> y, float factor) {
  for (int64_t i = 0; i < y.rows; i++) {
    T *row = y.row(i);
#pragma omp simd
    for (int64_t c = 0; c < y.cols; c++) row[c] = from_float<T>(to_float(row[c]) * factor);
  }
}

template <typename T, Activation act>
void activate_rows(Matrix<T> y, Matrix<const T> x) {
  for (int64_t i = 0; i < y.rows; i++) {
    T *to = y.row(i);
    const T *from = x.row(i);
#pragma omp simd
    for (int64_t c = 0; c < y.cols; c++) to[c] = from_float<T>(value<act>(to_float(from[c])).y);
  }
}

template <typename T, Activation act>
void activation_backward_rows(Matrix<T> dx, Matrix<const T> dy, Matrix<const T> x,
                              const Matrix<T> *y) {
  for (int64_t i = 0; i < x.rows; i++) {
    T *to = dx.row(i), *again = y == nullptr ? nullptr : y->row(i);
    const T *d = dy.row(i), *from = x.row(i);
    if (again == nullptr) {
#pragma omp simd
      for (int64_t c = 0; c < x.cols; c++)
        to[c] = from_float<T>(to_float(d[c]) * value<act>(to_float(from[c])).slope);
    } else {
#pragma omp simd
      for (int64_t c = 0; c < x.cols; c++) {
        Value v = value<act>(to_float(from[c]));
        to[c] = from_float<T>(to_float(d[c]) * v.slope);
        again[c] = from_float<T>(v.y);
      }
    }
  }
}

template <typename T, Activation act>
void activate_gated_rows(Matrix<T> y, Matrix<const T> gate, Matrix<const T> x) {
  for (int64_t i = 0; i < y.rows; i++) {
    T *to = y.row(i);
    const T *g = gate.row(i), *from = x.row(i);
#pragma omp simd
    for (int64_t c = 0; c < y.cols; c++)
      to[c] = from_float<T>(value<act>(to_float(g[c])).y * to_float(from[c]));
  }
}

template <typename T, Activation act>
void gated_backward_rows(Matrix<T> dgate, Matrix<T> dx, Matrix<const T> dy, Matrix<const T> gate,
                         Matrix<const T> x, const Matrix<T> *y) {
  for (int64_t i = 0; i < x.rows; i++) {
    T *to_gate = dgate.row(i), *to = dx.row(i), *again = y == nullptr ? nullptr : y->row(i);
    const T *d = dy.row(i), *g = gate.row(i), *from = x.row(i);
#pragma omp simd
    for (int64_t c = 0; c < x.cols; c++) {
      Value v = value<act>(to_float(g[c]));
      float up = to_float(d[c]), linear = to_float(from[c]);
      to_gate[c] = from_float<T>(up * linear * v.slope);
      to[c] = from_float<T>(up * v.y);
      if (again != nullptr) again[c] = from_float<T>(v.y * linear);
    }
  }
}

template <typename T>
void add_residual_rows(Matrix<T> y, const T *bias, Matrix<const T> residual) {
  for (int64_t i = 0; i < y.rows; i++) {
    T *row = y.row(i);
    const T *r = residual.row(i);
    if (bias == nullptr) {
#pragma omp simd
      for (int64_t c = 0; c < y.cols; c++)
        row[c] = from_float<T>(to_float(row[c]) + to_float(r[c]));
    } else {
#pragma omp simd
      for (int64_t c = 0; c < y.cols; c++)
        row[c] = from_float<T>(rounded<T>(to_float(row[c]) + to_float(bias[c])) + to_float(r[c]));
    }
  }
}

template <typename T>
void normalize_rows(Matrix<T> y, Matrix<const T> x, RowNorm norm, float *mean, float *rstd) {
  for (int64_t i = 0; i < y.rows; i++)
    normalize_row(y.row(i), x.row(i), y.cols, norm, mean + i, rstd + i);
}

template <typename T>
void normalize_backward_rows(Matrix<T> dx, Matrix<const T> dy, Matrix<const T> x, RowNorm norm,
                             const float *mean, const float *rstd, float *dweight, float *dbias) {
  for (int64_t i = 0; i < x.rows; i++) {
    const T *d = dy.row(i), *from = x.row(i);
    if (dweight != nullptr) {
#pragma omp simd
      for (int64_t c = 0; c < x.cols; c++)
        dweight[c] += to_float(d[c]) * (to_float(from[c]) - mean[i]) * rstd[i];
    }
    if (dbias != nullptr) {
#pragma omp simd
      for (int64_t c = 0; c < x.cols; c++) dbias[c] += to_float(d[c]);
    }
    normalize_row_backward(dx.row(i), d, from, x.cols, norm, mean[i], rstd[i]);
  }
}

template <typename T>
void add_rows_of(Matrix<const T> x, float *sums) {
  for (int64_t i = 0; i < x.rows; i++) {
    const T *row = x.row(i);
#pragma omp simd
    for (int64_t c = 0; c < x.cols; c++) sums[c] += to_float(row[c]);
  }
}

}  // namespace

template <typename T>
void add_bias(const Matrix<T> &y, const T *bias) {
  cpu_dispatch<add_bias_rows<T>>(y, bias);
}

template <typename T>
void copy(const Matrix<T> &y, const Matrix<const T> &x) {
  for (int64_t i = 0; i < y.rows; i++) std::memcpy(y.row(i), x.row(i), y.cols * sizeof(T));
}

template <typename T>
void scale(const Matrix<T> &y, float factor) {
  cpu_dispatch<scale_rows<T>>(y, factor);
}

template <typename T>
void activate(const Matrix<T> &y, const Matrix<const T> &x, Activation act) {
  with(act, [&](auto a) { cpu_dispatch<activate_rows<T, a()>>(y, x); });
}

template <typename T>
void activation_backward(const Matrix<T> &dx, const Matrix<const T> &dy, const Matrix<const T> &x,
                         const Matrix<T> *y, Activation act) {
  with(act, [&](auto a) { cpu_dispatch<activation_backward_rows<T, a()>>(dx, dy, x, y); });
}

template <typename T>
void activate_gated(const Matrix<T> &y, const Matrix<const T> &gate, const Matrix<const T> &x,
                    Activation act) {
  with(act, [&](auto a) { cpu_dispatch<activate_gated_rows<T, a()>>(y, gate, x); });
}

template <typename T>
void gated_backward(const Matrix<T> &dgate, const Matrix<T> &dx, const Matrix<const T> &dy,
                    const Matrix<const T> &gate, const Matrix<const T> &x, const Matrix<T> *y,
                    Activation act) {
  with(act, [&](auto a) { cpu_dispatch<gated_backward_rows<T, a()>>(dgate, dx, dy, gate, x, y); });
}

template <typename T>
void add_residual(const Matrix<T> &y, const T *bias, const Matrix<const T> &residual) {
  cpu_dispatch<add_residual_rows<T>>(y, bias, residual);
}

template <typename T>
void normalize(const Matrix<T> &y, const Matrix<const T> &x, const RowNorm &norm, float *mean,
               float *rstd) {
  cpu_dispatch<normalize_rows<T>>(y, x, norm, mean, rstd);
}

template <typename T>
void normalize_backward(const Matrix<T> &dx, const Matrix<const T> &dy, const Matrix<const T> &x,
                        const RowNorm &norm, const float *mean, const float *rstd, float *dweight,
                        float *dbias) {
  cpu_dispatch<normalize_backward_rows<T>>(dx, dy, x, norm, mean, rstd, dweight, dbias);
}

template <typename T>
void add_rows(const Matrix<const T> &x, float *sums) {
  cpu_dispatch<add_rows_of<T>>(x, sums);
}

#define GOPET_ROWS(T)                                                                           \
  template void add_bias(const Matrix<T> &, const T *);                                         \
  template void copy(const Matrix<T> &, const Matrix<const T> &);                               \
  template void scale(const Matrix<T> &, float);                                                \
  template void activate(const Matrix<T> &, const Matrix<const T> &, Activation);               \
  template void activation_backward(const Matrix<T> &, const Matrix<const T> &,                 \
                                    const Matrix<const T> &, const Matrix<T> *, Activation);    \
  template void activate_gated(const Matrix<T> &, const Matrix<const T> &,                      \
                               const Matrix<const T> &, Activation);                            \
  template void gated_backward(const Matrix<T> &, const Matrix<T> &, const Matrix<const T> &,   \
                               const Matrix<const T> &, const Matrix<const T> &,                \
                               const Matrix<T> *, Activation);                                  \
  template void add_residual(const Matrix<T> &, const T *, const Matrix<const T> &);            \
  template void normalize(const Matrix<T> &, const Matrix<const T> &, const RowNorm &, float *, \
                          float *);                                                             \
  template void normalize_backward(const Matrix<T> &, const Matrix<const T> &,                  \
                                   const Matrix<const T> &, const RowNorm &, const float *,     \
                                   const float *, float *, float *);                            \
  template void add_rows(const Matrix<const T> &, float *);
GOPET_ROWS(float)
GOPET_ROWS(c10::BFloat16)
#undef GOPET_ROWS

}  // namespace gopet
