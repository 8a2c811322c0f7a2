#include <algorithm>

#include "check.h"

namespace test {
namespace {

struct Case {
  const char *name;
  int heads, width;
  std::vector<int64_t> queries, keys;  // of each sequence
  bool causal;
  int64_t distances, offset;  // distances 0: no bias
  int64_t gap;                // elements between a token's heads and the next token
};

std::vector<int32_t> cumulative(const std::vector<int64_t> &lengths) {
  std::vector<int32_t> sums{0};
  for (int64_t n : lengths) sums.push_back(sums.back() + static_cast<int32_t>(n));
  return sums;
}

// One head of one sequence in double: what attention and its gradient are.
struct Reference {
  int64_t queries, keys, width;
  // Element (token, column) of each tensor.
  std::function<double(int64_t, int64_t)> q, k, v, dout;
  std::function<double(int64_t, int64_t)> bias;  // (query, key); -inf: hidden

  std::vector<double> out, logsumexp, dq, dk, dv, ds;

  void compute(double scale) {
    out.assign(queries * width, 0);
    dq = out;
    dk.assign(keys * width, 0);
    dv = dk;
    ds.assign(queries * keys, 0);
    for (int64_t i = 0; i < queries; i++) {
      std::vector<double> s(keys), dp(keys);
      double largest = -INFINITY, sum = 0, delta = 0;
      for (int64_t j = 0; j < keys; j++) {
        for (int64_t c = 0; c < width; c++) s[j] += q(i, c) * k(j, c);
        s[j] = s[j] * scale + bias(i, j);
        largest = std::max(largest, s[j]);
      }
      for (double x : s) sum += std::exp(x - largest);
      logsumexp.push_back(largest + std::log(sum));
      for (int64_t j = 0; j < keys; j++) {
        double p = std::exp(s[j] - largest) / sum;
        for (int64_t c = 0; c < width; c++) {
          out[i * width + c] += p * v(j, c);
          dv[j * width + c] += p * dout(i, c);
          dp[j] += dout(i, c) * v(j, c);
        }
        delta += p * dp[j];
        s[j] = p;
      }
      for (int64_t j = 0; j < keys; j++) {
        double d = s[j] * (dp[j] - delta);
        ds[i * keys + j] = d;
        for (int64_t c = 0; c < width; c++) {
          dq[i * width + c] += scale * d * k(j, c);
          dk[j * width + c] += scale * d * q(i, c);
        }
      }
    }
  }
};

template <typename T>
void attention(const Case &c) {
  std::string what = text("attention %s %s", c.name, kName<T>);
  auto cu_q = cumulative(c.queries), cu_k = cumulative(c.keys);
  int64_t queries = cu_q.back(), keys = cu_k.back(), row = int64_t{c.heads} * c.width;
  int64_t stride = row + c.gap;
  auto q = random<T>(queries * stride, 1), k = random<T>(keys * stride, 2);
  auto v = random<T>(keys * stride, 3), dout = random<T>(queries * row, 4);
  auto table = random<float>(c.heads * c.distances, 5);
  gk_attention a{};
  a.dtype = kType<T>;
  a.heads = c.heads;
  a.head_dim = c.width;
  a.sequences = static_cast<int32_t>(c.queries.size());
  a.causal = c.causal;
  a.scale = 1 / std::sqrt(static_cast<float>(c.width));
  a.queries = queries;
  a.keys = keys;
  a.max_queries = *std::max_element(c.queries.begin(), c.queries.end());
  a.max_keys = *std::max_element(c.keys.begin(), c.keys.end());
  a.cu_q = cu_q.data();
  a.cu_k = cu_k.data();
  a.q = q.data();
  a.k = k.data();
  a.v = v.data();
  a.q_stride = a.k_stride = a.v_stride = stride;
  a.table = c.distances == 0 ? nullptr : table.data();
  a.distances = c.distances;
  a.offset = c.offset;
  auto out = unwritten<T>(queries * row);
  auto logsumexp = unwritten<float>(c.heads * queries);
  in_every_order(
      what,
      [&](auto &o, auto &l) {
        a.out = o.data();
        a.logsumexp = l.data();
        return gk_attention_forward(&a, nullptr);
      },
      out, logsumexp);

  a.out = out.data();
  a.logsumexp = logsumexp.data();
  gk_attention_gradient g{};
  g.dout = dout.data();
  auto workspace = scratch(gk_attention_workspace(&a));
  g.workspace = workspace.data();
  // What lies between the heads is not the kernel's to write.
  auto dq = q, dk = k, dv = v;
  auto dtable = unwritten<float>(c.heads * c.distances);
  in_every_order(
      what,
      [&](auto &x, auto &y, auto &z, auto &t) {
        g.dq = x.data();
        g.dk = y.data();
        g.dv = z.data();
        g.dtable = c.distances == 0 ? nullptr : t.data();
        return gk_attention_backward(&a, &g, nullptr);
      },
      dq, dk, dv, dtable);

  auto want_out = doubles(out), want_lse = doubles(logsumexp);
  auto want_dq = doubles(q), want_dk = doubles(k), want_dv = doubles(v);
  std::vector<double> want_dtable(c.heads * c.distances);
  for (int h = 0; h < c.heads; h++) {
    for (size_t s = 0; s < c.queries.size(); s++) {
      auto at = [&](const auto &x, int64_t first, int64_t step) {
        return [&x, first, step, h, &c](int64_t token, int64_t column) {
          return double{to_float(x[(first + token) * step + h * c.width + column])};
        };
      };
      auto entry = [&](int64_t i, int64_t j) {
        return h * c.distances + std::clamp<int64_t>(j - i + c.offset, 0, c.distances - 1);
      };
      Reference r{c.queries[s],
                  c.keys[s],
                  c.width,
                  at(q, cu_q[s], stride),
                  at(k, cu_k[s], stride),
                  at(v, cu_k[s], stride),
                  at(dout, cu_q[s], row),
                  [&](int64_t i, int64_t j) {
                    if (c.causal && j > i) return double{-INFINITY};
                    return c.distances == 0 ? 0.0 : double{table[entry(i, j)]};
                  },
                  {},
                  {},
                  {},
                  {},
                  {},
                  {}};
      r.compute(a.scale);
      auto put = [&](std::vector<double> &to, const std::vector<double> &from, int64_t first,
                     int64_t count, int64_t step) {
        for (int64_t t = 0; t < count; t++)
          for (int64_t i = 0; i < c.width; i++)
            to[(first + t) * step + h * c.width + i] = from[t * c.width + i];
      };
      put(want_out, r.out, cu_q[s], r.queries, row);
      put(want_dq, r.dq, cu_q[s], r.queries, stride);
      put(want_dk, r.dk, cu_k[s], r.keys, stride);
      put(want_dv, r.dv, cu_k[s], r.keys, stride);
      for (int64_t i = 0; i < r.queries; i++) {
        want_lse[h * queries + cu_q[s] + i] = r.logsumexp[i];
        for (int64_t j = 0; c.distances > 0 && j < r.keys; j++)
          want_dtable[entry(i, j)] += r.ds[i * r.keys + j];
      }
    }
  }
  // Weights and their gradients are rounded to T before they are summed.
  double noise = kEpsilon<T> * 3 + 1e-5;
  close(out, want_out, noise, noise, what + " out");
  close(logsumexp, want_lse, 1e-5, 1e-5, what + " logsumexp");
  close(dq, want_dq, noise, noise, what + " dq");
  close(dk, want_dk, noise, noise * 2, what + " dk");
  close(dv, want_dv, noise, noise * 2, what + " dv");
  // From out and dout, which are rounded, comes the mean that is taken off.
  close(dtable, want_dtable, noise, noise * 4, what + " dtable");
}

}  // namespace

void attention() {
  for_every_type([](auto type) {
    using T = decltype(type);
    attention<T>({"one token", 1, 32, {1}, {1}, false, 3, 1, 0});
    attention<T>({"no bias", 2, 64, {70, 3}, {70, 3}, false, 0, 0, 0});
    attention<T>({"causal", 1, 32, {130, 64}, {130, 64}, true, 0, 0, 8});
    attention<T>({"T5 encoder", 2, 64, {5, 100, 64}, {5, 100, 64}, false, 199, 99, 16});
    attention<T>({"T5 decoder", 1, 64, {90, 17}, {90, 17}, true, 179, 89, 0});
    // Distances beyond the table, which T5 puts into the last bucket.
    attention<T>({"short table", 1, 32, {150}, {150}, false, 41, 20, 0});
    attention<T>({"lopsided table", 1, 32, {80}, {80}, true, 30, 29, 0});
    attention<T>({"cross", 2, 32, {3, 66}, {71, 9}, false, 0, 0, 0});
    attention<T>({"empty sequences", 1, 32, {0, 5, 3}, {4, 5, 0}, false, 9, 4, 0});
    attention<T>({"wide heads", 1, 128, {20}, {70}, false, 89, 19, 0});
  });
  gk_attention wrong{};
  wrong.dtype = GK_FLOAT32;
  wrong.head_dim = 48;
  check(gk_attention_forward(&wrong, nullptr) != 0, "a head dimension of 48 is an error");
  wrong.head_dim = 32;
  wrong.q_stride = 33;
  check(gk_attention_forward(&wrong, nullptr) != 0, "a stride of 33 is an error");
}

}  // namespace test
