#include "check.h"

namespace test {
namespace {

double value(int act, double x) {
  switch (act) {
    case GK_GELU:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case GK_GELU_TANH:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case GK_SILU:
      return x / (1 + std::exp(-x));
    default:
      return x > 0 ? x : 0;
  }
}

// By central differences, except at ReLU's corner.
double slope(int act, double x) {
  if (act == GK_RELU) return x > 0 ? 1 : 0;
  double h = 1e-5;
  return (value(act, x + h) - value(act, x - h)) / (2 * h);
}

template <typename T>
void biased(int act, int64_t rows, int64_t width, bool with_bias) {
  std::string what = text("bias_activation %s %d [%ld, %ld]", kName<T>, act, rows, width);
  int64_t n = rows * width;
  auto x = random<T>(n, 1, 2), dy = random<T>(n, 2), bias = random<T>(with_bias ? width : 0, 3);
  const void *b = with_bias ? bias.data() : nullptr;
  auto y = unwritten<T>(n);
  in_every_order(
      what,
      [&](auto &out) {
        return gk_bias_activation(kType<T>, act, rows, width, x.data(), b, out.data(), nullptr);
      },
      y);
  auto dx = dy;
  auto dbias = unwritten<float>(width);
  auto workspace = scratch(gk_bias_activation_workspace(rows, width));
  in_every_order(
      what,
      [&](auto &d, auto &db) {  // dx over dy
        return gk_bias_activation_backward(kType<T>, act, rows, width, d.data(), x.data(), b,
                                           d.data(), db.data(), workspace.data(), nullptr);
      },
      dx, dbias);
  std::vector<double> want_y(n), want_dx(n), want_dbias(width);
  for (int64_t i = 0; i < n; i++) {
    double v = to_float(x[i]) + (with_bias ? to_float(bias[i % width]) : 0.0);
    want_y[i] = value(act, v);
    want_dx[i] = to_float(dy[i]) * slope(act, v);
    want_dbias[i % width] += want_dx[i];
  }
  close(y, want_y, kEpsilon<T>, 1e-6, what + " y");
  close(dx, want_dx, kEpsilon<T>, 2e-6, what + " dx");
  close(dbias, want_dbias, 1e-5, 1e-5 * std::sqrt(rows + 1.0), what + " dbias");
}

template <typename T>
void gated(int act, int64_t n) {
  std::string what = text("gated_activation %s %d [%ld]", kName<T>, act, n);
  auto gate = random<T>(n, 1, 2), x = random<T>(n, 2), dy = random<T>(n, 3);
  auto y = unwritten<T>(n);
  in_every_order(
      what,
      [&](auto &out) {
        return gk_gated_activation(kType<T>, act, n, gate.data(), x.data(), out.data(), nullptr);
      },
      y);
  auto dgate = gate, dx = x;
  in_every_order(
      what,
      [&](auto &dg, auto &d) {  // in place
        return gk_gated_activation_backward(kType<T>, act, n, dy.data(), dg.data(), d.data(),
                                            dg.data(), d.data(), nullptr);
      },
      dgate, dx);
  std::vector<double> want_y(n), want_dgate(n), want_dx(n);
  for (int64_t i = 0; i < n; i++) {
    double g = to_float(gate[i]), v = to_float(x[i]), d = to_float(dy[i]);
    want_y[i] = value(act, g) * v;
    want_dgate[i] = d * v * slope(act, g);
    want_dx[i] = d * value(act, g);
  }
  close(y, want_y, kEpsilon<T>, 1e-6, what + " y");
  close(dgate, want_dgate, kEpsilon<T>, 4e-6, what + " dgate");
  close(dx, want_dx, kEpsilon<T>, 1e-6, what + " dx");
}

}  // namespace

void activation() {
  for_every_type([](auto type) {
    using T = decltype(type);
    for (int act : {GK_GELU, GK_GELU_TANH, GK_SILU, GK_RELU}) {
      biased<T>(act, 5, 24, true);
      biased<T>(act, 3, 7, true);
      gated<T>(act, 1);
      gated<T>(act, 2056);
    }
    biased<T>(GK_GELU, 70, 264, false);
    biased<T>(GK_GELU, 1, 1, true);
    biased<T>(GK_GELU, 0, 8, true);
    gated<T>(GK_GELU, 0);
  });
  check(gk_gated_activation(3, GK_GELU, 1, nullptr, nullptr, nullptr, nullptr) != 0,
        "an unknown dtype is an error");
  check(gk_gated_activation(GK_FLOAT32, 9, 1, nullptr, nullptr, nullptr, nullptr) != 0,
        "an unknown activation is an error");
}

}  // namespace test
