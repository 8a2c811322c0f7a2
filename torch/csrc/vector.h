// Vectors of numbers, of whatever width the instruction set has: arithmetic is
// written once over them and compiled for each.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

// A function with vectors in its body is compiled as part of the one that
// names the instruction set.
#define GOPET_INLINE inline __attribute__((always_inline))

namespace gopet {

template <typename T>
struct LaneIndex;
template <>
struct LaneIndex<float> {
  using type = int32_t;
};
template <>
struct LaneIndex<double> {
  using type = int64_t;
};

template <typename T, int bytes>
struct Vector {
  static constexpr int lanes = bytes / sizeof(T);
  typedef T type __attribute__((vector_size(bytes)));
  typedef typename LaneIndex<T>::type index __attribute__((vector_size(bytes)));
};

// Swaps the blocks off the diagonal in a pair of rows of a matrix that is
// being transposed: lanes with bit `step` in a for lanes without it in b.
template <typename T, int bytes, int step, int... lane>
GOPET_INLINE void exchange(typename Vector<T, bytes>::type &a, typename Vector<T, bytes>::type &b,
                           std::integer_sequence<int, lane...>) {
  using V = Vector<T, bytes>;
  typename V::type x = a, y = b;
#ifdef __clang__
  a = __builtin_shufflevector(x, y, ((lane & step) ? V::lanes + lane - step : lane)...);
  b = __builtin_shufflevector(x, y, ((lane & step) ? V::lanes + lane : lane + step)...);
#else
  using index = typename V::index;
  a = __builtin_shuffle(x, y, index{((lane & step) ? V::lanes + lane - step : lane)...});
  b = __builtin_shuffle(x, y, index{((lane & step) ? V::lanes + lane : lane + step)...});
#endif
}

// Transposes the square matrix of one vector a row.
template <typename T, int bytes, int step = Vector<T, bytes>::lanes / 2>
GOPET_INLINE void transpose(typename Vector<T, bytes>::type *v) {
  constexpr int lanes = Vector<T, bytes>::lanes;
#pragma GCC unroll 16
  for (int i = 0; i < lanes; i++)
    if ((i & step) == 0)
      exchange<T, bytes, step>(v[i], v[i + step], std::make_integer_sequence<int, lanes>{});
  if constexpr (step > 1) transpose<T, bytes, step / 2>(v);
}

}  // namespace gopet
