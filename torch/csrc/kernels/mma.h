// Products of small matrices in shared memory by one warp: tensor cores for
// float16 and bfloat16 (mma.sync, m16n8k16), ordinary arithmetic for float32.
// Sums are float32 either way, and lie in registers in the same places.
#pragma once

#include <type_traits>
#include <utility>

#include "device.h"

namespace gopet {

// Where a warp's 16 x 8 tile of sums lies: a lane's four numbers are those of
// rows (lane / 4) and (lane / 4 + 8), columns (lane % 4 * 2) and the next one.
__device__ inline int mma_row(int i) { return threadIdx.x % kWarp / 4 + i / 2 * 8; }
__device__ inline int mma_column(int i) { return threadIdx.x % 4 * 2 + i % 2; }

#if !defined(__CUDACC__)
namespace host {

template <typename T>
float element(const uint32_t *words, int i) {
  T value;
  std::memcpy(&value, reinterpret_cast<const char *>(words) + i * sizeof(T), sizeof(T));
  return to_float(value);
}

struct Operands {
  uint32_t a[4], b[2];
};

// The fragments' layout is that of the PTX manual.
template <typename T>
void mma(float (&c)[4], const Operands &mine) {
  auto all = reinterpret_cast<const Operands *>(emulator::exchange(&mine, sizeof mine));
  static_assert(sizeof(Operands) == 24 && emulator::kExchange == 32);
  auto lane = [&](int i) {
    return reinterpret_cast<const Operands *>(reinterpret_cast<const char *>(all) +
                                              i * emulator::kExchange);
  };
  for (int i = 0; i < 4; i++) {
    int row = mma_row(i), column = mma_column(i);
    for (int k = 0; k < 16; k++) {
      const Operands *from_a = lane(row % 8 * 4 + k % 8 / 2);
      const Operands *from_b = lane(column * 4 + k % 8 / 2);
      c[i] += element<T>(from_a->a, (k / 8 * 2 + row / 8) * 2 + k % 2) *
              element<T>(from_b->b, k / 8 * 2 + k % 2);
    }
  }
}

// Four 8 x 8 matrices, whose rows' addresses come from eight lanes each.
template <bool transposed>
void load_matrices(uint32_t (&to)[4], const void *row) {
  const unsigned char *all = emulator::exchange(&row, sizeof row);
  int lane = static_cast<int>(threadIdx.x % kWarp);
  for (int matrix = 0; matrix < 4; matrix++) {
    uint16_t pair[2];
    for (int i = 0; i < 2; i++) {
      int r = lane / 4, c = lane % 4 * 2 + i;
      if (transposed) std::swap(r, c);
      const uint16_t *from;
      std::memcpy(&from, all + (matrix * 8 + r) * emulator::kExchange, sizeof from);
      pair[i] = from[c];
    }
    std::memcpy(&to[matrix], pair, sizeof pair);
  }
}

}  // namespace host
#endif

template <typename T>
__device__ inline void mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
#if defined(__CUDACC__)
  if constexpr (sizeof(T) == 2 && !std::is_same<T, __half>::value) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  } else {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
#else
  host::mma<T>(c, {{a[0], a[1], a[2], a[3]}, {b0, b1}});
#endif
}

template <bool transposed>
__device__ inline void load_matrices(uint32_t (&to)[4], const void *row) {
#if defined(__CUDACC__)
  uint32_t shared = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  if constexpr (transposed) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(shared)
                 : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(shared)
                 : "memory");
  }
#else
  host::load_matrices<transposed>(to, row);
#endif
}

// An operand in shared memory, `stride` elements from row to row. kMajor: the
// summed dimension is the rows', else it is that within a row. Strides of 16-bit
// operands are odd multiples of 8, so that eight rows lie in eight places of the
// banks.
template <typename T, bool k_major>
struct Operand {
  const T *at;
  int stride;

  __device__ const T *element(int i, int k) const {
    return k_major ? at + k * stride + i : at + i * stride + k;
  }
};

// c += a b, over `depth` (a multiple of 16) summed elements: c is m * 16 rows
// by n * 8 columns.
template <typename T, int m, int n, bool a_k_major, bool b_k_major>
__device__ inline void warp_product(float (&c)[m][n][4], Operand<T, a_k_major> a,
                                    Operand<T, b_k_major> b, int depth) {
  int lane = threadIdx.x % kWarp;
  if constexpr (sizeof(T) == 2) {
    static_assert(n % 2 == 0, "b is loaded 16 columns at once");
    // The four 8 x 8 matrices of a 16 x 16 one; which is second differs for a and b.
    int low = lane % 8, second = lane / 8 % 2 * 8, fourth = lane / 16 * 8;
#pragma unroll 2  // all of them together would take too many registers
    for (int k = 0; k < depth; k += 16) {
      uint32_t from_a[m][4];
#pragma unroll
      for (int i = 0; i < m; i++) {
        load_matrices<a_k_major>(from_a[i], a_k_major
                                                ? a.element(i * 16 + second, k + low + fourth)
                                                : a.element(i * 16 + low + second, k + fourth));
      }
#pragma unroll
      for (int j = 0; j < n; j += 2) {
        uint32_t from_b[4];
        load_matrices<b_k_major>(from_b, b_k_major ? b.element(j * 8 + fourth, k + low + second)
                                                   : b.element(j * 8 + low + fourth, k + second));
#pragma unroll
        for (int i = 0; i < m; i++) {
          mma<T>(c[i][j], from_a[i], from_b[0], from_b[1]);
          mma<T>(c[i][j + 1], from_a[i], from_b[2], from_b[3]);
        }
      }
    }
  } else {
    for (int k = 0; k < depth; k++) {
      float from_a[m][2], from_b[n][2];
#pragma unroll
      for (int i = 0; i < m; i++) {
        from_a[i][0] = *a.element(i * 16 + mma_row(0), k);
        from_a[i][1] = *a.element(i * 16 + mma_row(2), k);
      }
#pragma unroll
      for (int j = 0; j < n; j++) {
        from_b[j][0] = *b.element(j * 8 + mma_column(0), k);
        from_b[j][1] = *b.element(j * 8 + mma_column(1), k);
      }
#pragma unroll
      for (int i = 0; i < m; i++)
#pragma unroll
        for (int j = 0; j < n; j++)
#pragma unroll
          for (int e = 0; e < 4; e++) c[i][j][e] += from_a[i][e / 2] * from_b[j][e % 2];
    }
  }
}

}  // namespace gopet
