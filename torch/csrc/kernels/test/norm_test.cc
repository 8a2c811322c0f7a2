#include "check.h"

namespace test {
namespace {

struct Case {
  int rms;
  int64_t rows, width;
  bool residual, bias, dsum;
  int64_t shift;  // elements that x begins behind a multiple of 16 bytes
};

template <typename T, typename W>
void norm(const Case &c) {
  std::string what =
      text("norm %s %s rms %d [%ld, %ld]", kName<T>, kName<W>, c.rms, c.rows, c.width);
  int64_t n = c.rows * c.width;
  const double eps = 1e-5;
  auto x = random<T>(n + c.shift, 1, 2), residual = random<T>(n, 2), dy = random<T>(n, 3);
  auto dsum = random<T>(n, 4);
  auto weight = random<W>(c.width, 5), bias = random<W>(c.width, 6);

  auto y = unwritten<T>(n), sum = unwritten<T>(n);
  auto mean = unwritten<float>(c.rms ? 0 : c.rows), rstd = unwritten<float>(c.rows);
  gk_norm a{};
  a.dtype = kType<T>;
  a.weight_dtype = kType<W>;
  a.rms = c.rms;
  a.rows = c.rows;
  a.width = c.width;
  a.eps = eps;
  a.x = x.data() + c.shift;
  a.residual = c.residual ? residual.data() : nullptr;
  a.weight = weight.data();
  a.bias = c.bias ? bias.data() : nullptr;
  in_every_order(
      what,
      [&](auto &out, auto &s, auto &m, auto &r) {
        a.sum = s.data();
        a.y = out.data();
        a.mean = c.rms ? nullptr : m.data();
        a.rstd = r.data();
        return gk_norm_forward(&a, nullptr);
      },
      y, sum, mean, rstd);

  gk_norm_gradient g{};
  g.dtype = a.dtype;
  g.weight_dtype = a.weight_dtype;
  g.rms = c.rms;
  g.rows = c.rows;
  g.width = c.width;
  g.sum = sum.data();
  g.weight = weight.data();
  g.mean = c.rms ? nullptr : mean.data();
  g.rstd = rstd.data();
  g.dsum = c.dsum ? dsum.data() : nullptr;
  auto workspace = scratch(gk_norm_workspace(c.rows, c.width));
  g.workspace = workspace.data();
  auto dx = dy;  // written over dy
  auto dweight = unwritten<float>(c.width), dbias = unwritten<float>(c.width);
  in_every_order(
      what,
      [&](auto &d, auto &dw, auto &db) {
        g.dy = g.dx = d.data();
        g.dweight = dw.data();
        g.dbias = db.data();
        return gk_norm_backward(&g, nullptr);
      },
      dx, dweight, dbias);

  std::vector<double> want_sum(n), want_y(n), want_dx(n), want_dw(c.width), want_db(c.width);
  for (int64_t row = 0; row < c.rows; row++) {
    int64_t start = row * c.width;
    double m = 0, square = 0, g_mean = 0, product = 0, width = static_cast<double>(c.width);
    std::vector<double> v(c.width), normal(c.width), gradient(c.width);
    for (int64_t i = 0; i < c.width; i++) {
      double r = c.residual ? to_float(residual[start + i]) : 0;
      want_sum[start + i] = to_float(x[c.shift + start + i]) + r;
      v[i] = to_float(sum[start + i]);  // the norm is that of the rounded sum
      m += c.rms ? 0 : v[i] / width;
    }
    for (double e : v) square += (e - m) * (e - m) / width;
    double scale = 1 / std::sqrt(square + eps);
    for (int64_t i = 0; i < c.width; i++) {
      normal[i] = (v[i] - m) * scale;
      want_y[start + i] = normal[i] * to_float(weight[i]) + (c.bias ? to_float(bias[i]) : 0);
      double d = to_float(dy[start + i]);
      want_dw[i] += d * normal[i];
      want_db[i] += d;
      gradient[i] = d * to_float(weight[i]);
      g_mean += c.rms ? 0 : gradient[i] / width;
      product += gradient[i] * normal[i] / width;
    }
    for (int64_t i = 0; i < c.width; i++) {
      want_dx[start + i] = (c.dsum ? to_float(dsum[start + i]) : 0) +
                           scale * (gradient[i] - g_mean - normal[i] * product);
    }
  }
  // A single column's norm is 0 over a small number: errors grow by 1 / sqrt(eps).
  double noise = c.width == 1 ? 1e-3 : 1e-5;
  close(sum, want_sum, kEpsilon<T>, 1e-6, what + " sum");
  close(y, want_y, kEpsilon<T>, noise, what + " y");
  close(dx, want_dx, kEpsilon<T>, noise, what + " dx");
  close(dweight, want_dw, 1e-5, noise * std::sqrt(c.rows + 1.0), what + " dweight");
  close(dbias, want_db, 1e-5, noise * std::sqrt(c.rows + 1.0), what + " dbias");
}

template <typename T, typename W>
void norms() {
  for (int rms : {0, 1}) {
    norm<T, W>({rms, 7, 384, true, rms == 0, true, 0});
    norm<T, W>({rms, 70, 24, false, rms == 0, false, 0});
    norm<T, W>({rms, 5, 37, true, false, true, 0});
    norm<T, W>({rms, 5, 64, false, true, true, 1});
    norm<T, W>({rms, 3, 1, true, false, false, 0});
    norm<T, W>({rms, 0, 16, true, true, true, 0});
  }
  norm<T, W>({1, 2, 4096, true, false, true, 0});  // three rows a block forward, one backward
  norm<T, W>({0, 2, 16384, true, true, true, 0});
}

}  // namespace

void norm() {
  norms<float, float>();
  norms<__half, __half>();
  norms<__nv_bfloat16, __nv_bfloat16>();
  norms<__nv_bfloat16, float>();
  norms<float, __half>();
  gk_norm wide{};
  wide.dtype = wide.weight_dtype = GK_FLOAT32;
  wide.width = 1 << 20;
  check(gk_norm_forward(&wide, nullptr) != 0, "a row that shared memory cannot hold is an error");
}

}  // namespace test
