// Each entry is a dot product of two columns. A block of tokens is transposed
// first, so that both columns lie in contiguous memory within the second
// cache; gathering them from row-major memory costs about ten times as much.
//
// The arithmetic is written once over a vector type and compiled for each
// instruction set at that set's width.
#include "sampled_product.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "cpu_dispatch.h"
#include "vector.h"

namespace gopet {
namespace {

// Tokens that are transposed at once: 1,920 columns of floats fill half a
// second cache of 2 MB. Sums of a block are short, which keeps float32 close.
constexpr int64_t kTokenBlock = 128;

// A vector from memory, of which the first `valid` elements are there.
template <typename T, int bytes>
GOPET_INLINE typename Vector<T, bytes>::type load(const T *from, int64_t valid) {
  typename Vector<T, bytes>::type v = {};
  if (valid == Vector<T, bytes>::lanes) {
    std::memcpy(&v, from, bytes);
  } else {
    std::memcpy(&v, from, valid * sizeof(T));
  }
  return v;
}

// As many halves of floats as a vector has floats.
template <int bytes>
struct Halves {
  typedef uint16_t type __attribute__((vector_size(bytes / 2)));
  typedef uint32_t words __attribute__((vector_size(bytes)));
};

template <typename T, int bytes>
GOPET_INLINE typename Vector<T, bytes>::type load(const c10::BFloat16 *from, int64_t valid) {
  typename Halves<bytes>::type h = {};
  if (valid == Vector<T, bytes>::lanes) {
    std::memcpy(&h, from, sizeof(h));
  } else {
    std::memcpy(&h, from, valid * sizeof(uint16_t));
  }
  auto bits = __builtin_convertvector(h, typename Halves<bytes>::words) << 16;
  return reinterpret_cast<typename Vector<T, bytes>::type>(bits);
}

// Writes the wanted groups of columns of up to kTokenBlock rows as columns of
// kTokenBlock tokens, with zeros for tokens that are not there.
template <typename S, typename T, int bytes>
GOPET_INLINE void transpose_block(const Matrix<const S> &matrix, const std::vector<int32_t> &groups,
                                  T *columns) {
  using V = Vector<T, bytes>;
  for (int64_t token = 0; token < kTokenBlock; token += V::lanes) {
    T *to = columns + token;
    for (int32_t group : groups) {
      for (int64_t c = group * kColumnGroup; c < (group + 1) * kColumnGroup; c += V::lanes) {
        int64_t valid = std::clamp<int64_t>(matrix.cols - c, 0, V::lanes);
        typename V::type tile[V::lanes] = {};
#pragma GCC unroll 16
        for (int64_t i = 0; i < V::lanes; i++)
          if (token + i < matrix.rows) tile[i] = load<T, bytes>(matrix.row(token + i) + c, valid);
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

// Both matrices and the columns of them that are read.
template <typename S>
struct Operands {
  const Matrix<const S> &a;
  const SampledColumns &a_columns;
  const Matrix<const S> &b;
  const SampledColumns &b_columns;
};

template <typename S, typename T, int bytes>
GOPET_INLINE void product(const Operands<S> &o, T *a, T *b, T *total) {
  int64_t n = static_cast<int64_t>(o.a_columns.entry.size());
  for (int64_t token = 0; token < o.a.rows; token += kTokenBlock) {
    int64_t count = std::min(kTokenBlock, o.a.rows - token);
    transpose_block<S, T, bytes>(o.a.rows_from(token, count), o.a_columns.groups, a);
    transpose_block<S, T, bytes>(o.b.rows_from(token, count), o.b_columns.groups, b);
    add_dots<T, bytes>(a, o.a_columns.entry.data(), b, o.b_columns.entry.data(), n, total);
  }
}

#if defined(__x86_64__)
template <typename S, typename T>
__attribute__((target(GOPET_AVX512))) void product_avx512(const Operands<S> &o, T *a, T *b,
                                                          T *total) {
  product<S, T, 64>(o, a, b, total);
}

template <typename S, typename T>
__attribute__((target(GOPET_AVX2))) void product_avx2(const Operands<S> &o, T *a, T *b, T *total) {
  product<S, T, 32>(o, a, b, total);
}
#endif

template <typename S, typename T>
void dispatch(const Operands<S> &o, T *total) {
  auto size = [](const SampledColumns &c) { return c.groups.size() * kColumnGroup * kTokenBlock; };
  auto scratch = [](size_t n) { return std::unique_ptr<T[]>(new T[n]); };  // not zeroed
  auto a = scratch(size(o.a_columns)), b = scratch(size(o.b_columns));
#if defined(__x86_64__)
  if (cpu_capability() == CpuCapability::kAvx512) return product_avx512(o, a.get(), b.get(), total);
  if (cpu_capability() == CpuCapability::kAvx2) return product_avx2(o, a.get(), b.get(), total);
#endif
  product<S, T, 16>(o, a.get(), b.get(), total);
}

}  // namespace

void sampled_product(const Matrix<const float> &a, const SampledColumns &a_columns,
                     const Matrix<const float> &b, const SampledColumns &b_columns, float *total) {
  dispatch(Operands<float>{a, a_columns, b, b_columns}, total);
}

void sampled_product(const Matrix<const double> &a, const SampledColumns &a_columns,
                     const Matrix<const double> &b, const SampledColumns &b_columns,
                     double *total) {
  dispatch(Operands<double>{a, a_columns, b, b_columns}, total);
}

void sampled_product(const Matrix<const c10::BFloat16> &a, const SampledColumns &a_columns,
                     const Matrix<const c10::BFloat16> &b, const SampledColumns &b_columns,
                     float *total) {
  dispatch(Operands<c10::BFloat16>{a, a_columns, b, b_columns}, total);
}

}  // namespace gopet
