#include <algorithm>
#include <numeric>

#include "../masked_choice.h"
#include "check.h"

namespace test {
namespace {

struct Shape {
  int64_t tokens, out, in;
};

// k positions drawn without replacement, ascending.
std::vector<int64_t> mask(const Shape &s, int64_t k) {
  std::vector<int64_t> all(s.out * s.in);
  std::iota(all.begin(), all.end(), 0);
  std::shuffle(all.begin(), all.end(), std::mt19937_64(k));
  all.resize(k);
  std::sort(all.begin(), all.end());
  return all;
}

// The matrices' rows begin `shift` elements into memory and are `gap` longer
// than they need to be, so that alignment comes and goes.
template <typename T>
void gradient(const char *name, int method, const Shape &s, const std::vector<int64_t> &index,
              int64_t shift = 0, int64_t gap = 0) {
  int64_t k = static_cast<int64_t>(index.size());
  std::string what = text("masked_gradient %s %s method %d [%ld, %ld, %ld] k %ld", name, kName<T>,
                          method, s.tokens, s.out, s.in, k);
  int64_t dy_stride = s.out + gap, x_stride = s.in + gap;
  auto dy = random<T>(shift + s.tokens * dy_stride, 1);
  auto x = random<T>(shift + s.tokens * x_stride, 2);
  gk_masked_plan plan;
  check(gk_masked_plan_make(&plan, index.data(), k, s.out, s.in, method) == 0, what + ": plan");
  std::vector<int32_t> words(plan.words, plan.words + plan.n);
  auto workspace = scratch(gk_masked_gradient_workspace(&plan, s.tokens));
  auto g = unwritten<float>(k);
  in_every_order(
      what,
      [&](auto &out) {
        return gk_masked_gradient(&plan, words.data(), kType<T>, dy.data() + shift, dy_stride,
                                  x.data() + shift, x_stride, s.tokens, out.data(),
                                  workspace.data(), nullptr);
      },
      g);
  gk_masked_plan_free(&plan);
  std::vector<double> want(k);
  for (int64_t i = 0; i < k; i++) {
    for (int64_t t = 0; t < s.tokens; t++) {
      want[i] += double{to_float(dy[shift + t * dy_stride + index[i] / s.in])} *
                 to_float(x[shift + t * x_stride + index[i] % s.in]);
    }
  }
  close(g, want, 1e-5, 2e-6 * std::sqrt(s.tokens + 1.0), what);
}

std::vector<int64_t> run_of(int64_t first, int64_t n) {
  std::vector<int64_t> index(n);
  std::iota(index.begin(), index.end(), first);
  return index;
}

template <typename T>
void gradients(int method) {
  gradient<T>("one entry", method, {40, 9, 24}, {100});
  gradient<T>("no entry", method, {40, 9, 24}, {});
  gradient<T>("no token", method, {0, 9, 24}, {0, 7, 215});
  gradient<T>("one column", method, {33, 300, 1}, run_of(0, 300));
  gradient<T>("one row", method, {33, 1, 300}, run_of(0, 300));
  gradient<T>("full", method, {50, 40, 56}, run_of(0, 40 * 56));
  gradient<T>("odd", method, {65, 37, 131}, mask({65, 37, 131}, 200));
  gradient<T>("shifted", method, {65, 32, 64}, mask({65, 32, 64}, 200), 1, 7);
  gradient<T>("strided", method, {65, 32, 64}, mask({65, 32, 64}, 200), 0, 16);
  gradient<T>("sparse", method, {20, 300, 1100}, mask({20, 300, 1100}, 70));
  // Rows without entries between rows with some; a run across tiles.
  gradient<T>("adjacent", method, {48, 280, 160}, run_of(100 * 160 + 50, 40 * 160));
  gradient<T>("chunks", method, {1100, 16, 40}, mask({1100, 16, 40}, 30));
}

void refused() {
  gk_masked_plan plan;
  const int64_t descending[] = {5, 4}, twice[] = {4, 4}, outside[] = {11, 12}, negative[] = {-1, 3};
  for (const int64_t *index : {descending, twice, outside, negative}) {
    check(gk_masked_plan_make(&plan, index, 2, 3, 4, GK_SAMPLED) != 0,
          text("the index %ld, %ld of [3, 4] is an error", index[0], index[1]));
    gk_masked_plan_free(&plan);
  }
}

int32_t chosen(int64_t k, int32_t dtype, int64_t out = 512, int64_t in = 1024) {
  auto index = mask({0, out, in}, k);
  int32_t method = -1;
  check(gk_masked_choose(&method, index.data(), k, out, in, 2048, dtype, 9, 0) == 0, "choose");
  return method;
}

void choice() {
  check(chosen(1, GK_BFLOAT16) == GK_SAMPLED, "one entry is sampled");
  check(chosen(512 * 1024, GK_FLOAT32) == GK_PRODUCT, "a full matrix is a product");
  check(chosen(512 * 1024, GK_BFLOAT16) == GK_PRODUCT, "a full matrix is a product");
  // Float32 has no tensor cores here: sampling pays up to a higher density.
  check(chosen(5000, GK_FLOAT32) == GK_SAMPLED, "1 % is sampled in float32");
  check(chosen(50000, GK_BFLOAT16) == GK_PRODUCT, "10 % is a product in bfloat16");
  int32_t last = GK_SAMPLED;  // once the product is cheaper, it stays so
  for (int64_t k = 64; k < 512 * 1024; k *= 2) {
    int32_t method = chosen(k, GK_FLOAT16);
    check(method >= last, text("the choice goes back at k = %ld", k));
    last = method;
  }
  gopet::MaskedWork w{1000, 1, 10, 2048, GK_BFLOAT16, 9, 0};
  gopet::Crossover table[] = {{GK_FLOAT32, 9, 0, 1e-9},
                              {GK_BFLOAT16, 8, 0, 1e-9},
                              {GK_BFLOAT16, 9, 0, 1000 / (10 * 128.0 * 128.0)}};
  check(masked_method(w, table, 3) == GK_SAMPLED, "a measured crossover decides");
  w.k++;
  check(masked_method(w, table, 3) == GK_PRODUCT, "a measured crossover decides");
}

}  // namespace

void masked() {
  for_every_type([](auto type) {
    for (int method : {GK_SAMPLED, GK_PRODUCT}) gradients<decltype(type)>(method);
  });
  refused();
  choice();
}

}  // namespace test
