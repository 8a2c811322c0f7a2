// Each entry is a dot product of two columns. A block of tokens is transposed
// first, so that both columns lie in contiguous memory within the second
// cache; gathering them from row-major memory costs about ten times as much.
//
// The arithmetic is written once over a vector type and compiled for each
// instruction set at that set's width.
#include "sampled_product.h"

#include <algorithm>
#include <cstring>

#include "cpu_dispatch.h"
#include "vector.h"

namespace gopet {
namespace {

// Tokens that are transposed at once: 1,920 columns of floats fill half a
// second cache of 1 MB. Sums of a block are short, which keeps float32 close.
constexpr int64_t kTokenBlock = 64;

// Writes the wanted groups of columns of rows [begin, begin + count) as
// columns of kTokenBlock tokens, with zeros for tokens from count on.
template <typename T, int bytes>
GOPET_INLINE void transpose_block(const T *matrix, int64_t width,
                                  const std::vector<int32_t> &groups, int64_t begin, int64_t count,
                                  T *columns) {
  using V = Vector<T, bytes>;
  for (int64_t token = 0; token < kTokenBlock; token += V::lanes) {
    T *to = columns + token;
    for (int32_t group : groups) {
      for (int64_t c = group * kColumnGroup; c < (group + 1) * kColumnGroup; c += V::lanes) {
        int64_t valid = std::clamp<int64_t>(width - c, 0, V::lanes);
        typename V::type tile[V::lanes] = {};
#pragma GCC unroll 16
        for (int64_t i = 0; i < V::lanes; i++) {
          if (token + i >= count) continue;
          const T *from = matrix + (begin + token + i) * width + c;
          if (valid == V::lanes) {
            std::memcpy(&tile[i], from, bytes);
          } else {
            std::memcpy(&tile[i], from, valid * sizeof(T));
          }
        }
        transpose<T, bytes>(tile);
#pragma GCC unroll 16
        for (int64_t i = 0; i < V::lanes; i++) std::memcpy(to + i * kTokenBlock, &tile[i], bytes);
        to += V::lanes * kTokenBlock;
      }
    }
  }
}

// Adds one dot product over a block of tokens to each entry. As many entries
// as a vector has lanes go together: their partial sums are one square
// matrix, whose transpose adds up to all of them at once.
template <typename T, int bytes>
GOPET_INLINE void add_dots(const T *a, const int32_t *a_entry, const T *b, const int32_t *b_entry,
                           int64_t n, T *total) {
  using V = Vector<T, bytes>;
  for (int64_t i = 0; i < n; i += V::lanes) {
    typename V::type sums[V::lanes];
#pragma GCC unroll 16
    for (int64_t j = 0; j < V::lanes; j++) {
      const T *p = a + int64_t{a_entry[i + j]} * kTokenBlock;
      const T *q = b + int64_t{b_entry[i + j]} * kTokenBlock;
      typename V::type sum = {};
      for (int64_t t = 0; t < kTokenBlock; t += V::lanes) {
        typename V::type u, v;
        std::memcpy(&u, p + t, bytes);
        std::memcpy(&v, q + t, bytes);
        sum += u * v;
      }
      sums[j] = sum;
    }
    transpose<T, bytes>(sums);
#pragma GCC unroll 4
    for (int64_t step = V::lanes / 2; step > 0; step /= 2)
#pragma GCC unroll 8
      for (int64_t j = 0; j < step; j++) sums[j] += sums[j + step];
    typename V::type t;
    std::memcpy(&t, total + i, bytes);
    t += sums[0];
    std::memcpy(total + i, &t, bytes);
  }
}

template <typename T, int bytes>
GOPET_INLINE void product(const SampledProduct<T> &p, int64_t begin, int64_t end, T *a, T *b,
                          T *total) {
  int64_t n = static_cast<int64_t>(p.a_columns.entry.size());
  for (int64_t token = begin; token < end; token += kTokenBlock) {
    int64_t count = std::min(kTokenBlock, end - token);
    transpose_block<T, bytes>(p.a, p.a_width, p.a_columns.groups, token, count, a);
    transpose_block<T, bytes>(p.b, p.b_width, p.b_columns.groups, token, count, b);
    add_dots<T, bytes>(a, p.a_columns.entry.data(), b, p.b_columns.entry.data(), n, total);
  }
}

#if defined(__x86_64__)
template <typename T>
__attribute__((target(GOPET_AVX512))) void product_avx512(const SampledProduct<T> &p, int64_t begin,
                                                          int64_t end, T *a, T *b, T *total) {
  product<T, 64>(p, begin, end, a, b, total);
}

template <typename T>
__attribute__((target(GOPET_AVX2))) void product_avx2(const SampledProduct<T> &p, int64_t begin,
                                                      int64_t end, T *a, T *b, T *total) {
  product<T, 32>(p, begin, end, a, b, total);
}
#endif

template <typename T>
void dispatch(const SampledProduct<T> &p, int64_t begin, int64_t end, T *total) {
  auto size = [](const SampledColumns &c) { return c.groups.size() * kColumnGroup * kTokenBlock; };
  std::vector<T> a(size(p.a_columns)), b(size(p.b_columns));
#if defined(__x86_64__)
  if (cpu_capability() == CpuCapability::kAvx512)
    return product_avx512(p, begin, end, a.data(), b.data(), total);
  if (cpu_capability() == CpuCapability::kAvx2)
    return product_avx2(p, begin, end, a.data(), b.data(), total);
#endif
  product<T, 16>(p, begin, end, a.data(), b.data(), total);
}

}  // namespace

void sampled_product(const SampledProduct<float> &p, int64_t begin, int64_t end, float *total) {
  dispatch(p, begin, end, total);
}

void sampled_product(const SampledProduct<double> &p, int64_t begin, int64_t end, double *total) {
  dispatch(p, begin, end, total);
}

}  // namespace gopet
