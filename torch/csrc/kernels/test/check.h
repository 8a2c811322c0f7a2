// What the kernels' tests share: random tensors of every dtype, comparison with
// a reference in double, and runs in several orders of blocks and threads.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "../device.h"

namespace test {

using gopet::to_float;

extern int failures;

template <typename T>
constexpr int32_t kType = std::is_same<T, float>::value    ? GK_FLOAT32
                          : std::is_same<T, __half>::value ? GK_FLOAT16
                                                           : GK_BFLOAT16;

template <typename T>
constexpr const char *kName = std::is_same<T, float>::value    ? "float32"
                              : std::is_same<T, __half>::value ? "float16"
                                                               : "bfloat16";

// The largest relative error of rounding a number to T.
template <typename T>
constexpr double kEpsilon = std::is_same<T, float>::value    ? 6e-8
                            : std::is_same<T, __half>::value ? 4.9e-4
                                                             : 3.9e-3;

template <typename T>
T rounded(double x) {
  return gopet::from_float<T>(static_cast<float>(x));
}

// Normal numbers times scale.
template <typename T>
std::vector<T> random(int64_t n, uint64_t seed, double scale = 1) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  std::vector<T> v(n);
  for (T &x : v) x = rounded<T>(scale * normal(generator));
  return v;
}

template <typename T>
std::vector<double> doubles(const std::vector<T> &v) {
  std::vector<double> d(v.size());
  for (size_t i = 0; i < v.size(); i++) d[i] = gopet::to_float(v[i]);
  return d;
}

// Memory for a result, filled with NaN: what a kernel does not write shows.
template <typename T>
std::vector<T> unwritten(int64_t n) {
  return std::vector<T>(n, rounded<T>(NAN));
}

// Scratch memory for a kernel, of so many bytes, none of them zero.
inline std::vector<unsigned char> scratch(int64_t bytes) {
  return std::vector<unsigned char>(bytes, 0xff);
}

template <typename... A>
std::string text(const char *format, A... a) {
  char buffer[256];
  std::snprintf(buffer, sizeof buffer, format, a...);
  return buffer;
}

inline void fail(const std::string &what) {
  std::fprintf(stderr, "FAIL %s\n", what.c_str());
  failures++;
}

inline void check(bool ok, const std::string &what) {
  if (!ok) fail(what);
}

// Every element lies within relative * |want| + absolute.
template <typename T>
void close(const std::vector<T> &got, const std::vector<double> &want, double relative,
           double absolute, const std::string &what) {
  if (got.size() != want.size()) {
    return fail(what + text(": %zu elements, want %zu", got.size(), want.size()));
  }
  for (size_t i = 0; i < got.size(); i++) {
    double g = gopet::to_float(got[i]), difference = std::fabs(g - want[i]);
    if (difference <= relative * std::fabs(want[i]) + absolute) continue;
    if (g == want[i] || (std::isnan(g) && std::isnan(want[i]))) continue;  // infinite, or no number
    return fail(what + text(": element %zu is %g, want %g", i, g, want[i]));
  }
}

template <typename T>
bool same_bits(const std::vector<T> &a, const std::vector<T> &b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

// run(outputs...) fills its outputs, which are fresh each time, with blocks and
// threads in another order each time. Bits must not depend on it.
template <typename F, typename... T>
void in_every_order(const std::string &what, F run, std::vector<T> &...outputs) {
  auto first = std::make_tuple(outputs...);
  for (unsigned order : {0u, 1u, 7u}) {
    emulator::set_order(order);
    auto result = std::make_tuple(outputs...);
    int error = std::apply(run, result);
    check(error == 0, what + ": error " + std::to_string(error));
    if (order == 0) {
      first = result;
      continue;
    }
    bool same = std::apply(
        [&](auto &...r) {
          return std::apply([&](auto &...f) { return (same_bits(f, r) && ...); }, first);
        },
        result);
    check(same, what + text(": other bits in order %u", order));
  }
  emulator::set_order(0);
  std::tie(outputs...) = first;
}

// f(T{}) for every dtype.
template <typename F>
void for_every_type(F f) {
  f(float{});
  f(__half{});
  f(__nv_bfloat16{});
}

void activation();
void adamw();
void attention();
void cross_entropy();
void device();
void masked();
void norm();

}  // namespace test
