// What happens to the rows of a matrix before and after a product, a block of tokens at a time:
// biases, activations, residuals, norms, and their gradients. Arithmetic is float32 whatever the
// rows hold.
#pragma once

#include "gemm.h"

namespace gopet {

enum class Activation : int32_t { none = 0, gelu = 1, gelu_tanh = 2, relu = 3, silu = 4, tanh = 5 };

// y += bias, for every row.
template <typename T>
void add_bias(const Matrix<T> &y, const T *bias);

// y = x.
template <typename T>
void copy(const Matrix<T> &y, const Matrix<const T> &x);

// y *= factor.
template <typename T>
void scale(const Matrix<T> &y, float factor);

// y = act(x).
template <typename T>
void activate(const Matrix<T> &y, const Matrix<const T> &x, Activation act);

// dx = act'(x) dy, and y = act(x) where y is not null. dx may be dy.
template <typename T>
void activation_backward(const Matrix<T> &dx, const Matrix<const T> &dy, const Matrix<const T> &x,
                         const Matrix<T> *y, Activation act);

// y = act(gate) x.
template <typename T>
void activate_gated(const Matrix<T> &y, const Matrix<const T> &gate, const Matrix<const T> &x,
                    Activation act);

// The gradients of gate and x, and y = act(gate) x again where y is not null.
template <typename T>
void gated_backward(const Matrix<T> &dgate, const Matrix<T> &dx, const Matrix<const T> &dy,
                    const Matrix<const T> &gate, const Matrix<const T> &x, const Matrix<T> *y,
                    Activation act);

// y += bias + residual; bias may be null.
template <typename T>
void add_residual(const Matrix<T> &y, const T *bias, const Matrix<const T> &residual);

// A layer norm over rows, or a root mean square norm, which does not centre: weight and bias [cols]
// are float32, bias may be null.
struct RowNorm {
  const float *weight, *bias;
  double eps;
  bool rms = false;
};

// y = norm(x); writes each row's mean, 0 where it is not taken, and 1 / standard deviation. y may
// be x.
template <typename T>
void normalize(const Matrix<T> &y, const Matrix<const T> &x, const RowNorm &norm, float *mean,
               float *rstd);

// The gradient dx for x of normalize; adds the weight's and the bias's to dweight and dbias [cols],
// where these are not null.
template <typename T>
void normalize_backward(const Matrix<T> &dx, const Matrix<const T> &dy, const Matrix<const T> &x,
                        const RowNorm &norm, const float *mean, const float *rstd, float *dweight,
                        float *dbias);

// Adds the sum of all rows to sums [cols].
template <typename T>
void add_rows(const Matrix<const T> &x, float *sums);

}  // namespace gopet
