// What the forward and backward kernels of attention share: tiles of packed
// sequences in shared memory, scores and their bias.
#pragma once

#include "copy.h"
#include "device.h"
#include "mma.h"
#include "reduce.h"

namespace gopet {

// A block has as many queries as keys in a tile; each of its warps has 16 rows.
constexpr int kTileRows = 64, kAttentionWarps = kTileRows / 16;
constexpr int kAttentionThreads = kAttentionWarps * kWarp;
// Key position less query position takes this many values within a tile.
constexpr int kDiagonals = 2 * kTileRows - 1;

template <typename T, int width>
struct Tile {
  static constexpr int kStride = width + kChunk<T>;  // see Operand
  T at[kTileRows][kStride];

  // Rows are what is multiplied along, from the first of this warp's on.
  __device__ Operand<T, false> warp_rows() const { return {at[threadIdx.x / kWarp * 16], kStride}; }
  __device__ Operand<T, false> rows() const { return {at[0], kStride}; }
  // Rows are what is summed over.
  __device__ Operand<T, true> summed_rows() const { return {at[0], kStride}; }
};

// Sums of a warp: 16 rows by `width` columns.
template <int width>
using Sums = float[1][width / 8][4];

// Calls f(row within the tile, column, the sum) for all sums of this thread.
template <int width, typename F>
__device__ inline void for_sums(Sums<width> &sums, F f) {
  int first = threadIdx.x / kWarp * 16;
#pragma unroll
  for (int j = 0; j < width / 8; j++)
#pragma unroll
    for (int e = 0; e < 4; e++) f(first + mma_row(e), j * 8 + mma_column(e), sums[0][j][e]);
}

// The same for two sums in the same place.
template <int width, typename F>
__device__ inline void for_sums(Sums<width> &sums, Sums<width> &others, F f) {
  int first = threadIdx.x / kWarp * 16;
#pragma unroll
  for (int j = 0; j < width / 8; j++)
#pragma unroll
    for (int e = 0; e < 4; e++)
      f(first + mma_row(e), j * 8 + mma_column(e), sums[0][j][e], others[0][j][e]);
}

// The tokens of one sequence.
struct Range {
  int64_t begin, count;
  __device__ Range(const int32_t *cu, int64_t sequence)
      : begin(cu[sequence]), count(cu[sequence + 1] - begin) {}
};

// The tile that a block works on, of all tiles of the longest sequence.
struct Place {
  int64_t sequence, first;
  int head;
  __device__ Place(int64_t tiles)
      : sequence(blockIdx.x / tiles), first(blockIdx.x % tiles * kTileRows), head(blockIdx.y) {}
};

// One head's part of a packed tensor.
template <typename T>
struct Head {
  T *at;
  int64_t stride;
};

template <typename T, int width>
__device__ inline Head<T> head_of(T *tensor, int64_t stride, const Range &range, int head) {
  return {tensor + range.begin * stride + head * width, stride};
}

// One sequence's queries, keys and values of one head.
template <typename T, int width>
struct Inputs {
  Range queries, keys;
  Head<const T> q, k, v;

  __device__ Inputs(const gk_attention &a, const Place &place)
      : queries(a.cu_q, place.sequence),
        keys(a.cu_k, place.sequence),
        q(head_of<const T, width>(static_cast<const T *>(a.q), a.q_stride, queries, place.head)),
        k(head_of<const T, width>(static_cast<const T *>(a.k), a.k_stride, keys, place.head)),
        v(head_of<const T, width>(static_cast<const T *>(a.v), a.v_stride, keys, place.head)) {}
};

// Begins to copy the rows of a sequence from first on; those behind its end are zeros.
template <typename T, int width>
__device__ inline void copy_rows(Tile<T, width> &to, Head<const T> from, int64_t first,
                                 int64_t count) {
  constexpr int chunks = width / kChunk<T>;
  for (int i = threadIdx.x; i < kTileRows * chunks; i += kAttentionThreads) {
    int64_t row = first + i / chunks;
    int column = i % chunks * kChunk<T>;
    copy_chunk<T, true>(to.at[i / chunks] + column, from.at, row * from.stride + column,
                        row < count ? kChunk<T> : 0);
  }
  close_copies();
}

// Writes this warp's sums, times factor, to the rows of a sequence that exist.
template <typename T, int width>
__device__ inline void write_rows(Head<T> to, Sums<width> &sums, float factor, int64_t first,
                                  int64_t count) {
#pragma unroll
  for (int j = 0; j < width / 8; j++) {
#pragma unroll
    for (int e = 0; e < 4; e += 2) {
      int64_t row = first + threadIdx.x / kWarp * 16 + mma_row(e);
      float pair[2] = {sums[0][j][e] * factor, sums[0][j][e + 1] * factor};
      if (row < count) store<T, 2>(to.at + row * to.stride + j * 8 + mma_column(e), pair);
    }
  }
}

// Where the bias of a tile's diagonals lies in a table.
struct Bias {
  const float *table;  // of one head; null: no bias
  int64_t distances, offset;

  __device__ Bias(const gk_attention &a, int head)
      : table(a.table == nullptr ? nullptr : a.table + head * a.distances),
        distances(a.distances),
        offset(a.offset) {}

  // The entry of the tile's diagonal d, counted from that of its last query and first key.
  __device__ int64_t entry(int d, int64_t first_query, int64_t first_key) const {
    int64_t i = first_key - first_query + offset + d - (kTileRows - 1);
    return larger(0, smaller(i, distances - 1));
  }

  // Puts the tile's diagonals into shared memory.
  __device__ void window(float *to, int64_t first_query, int64_t first_key) const {
    if (table == nullptr) return;
    for (int d = threadIdx.x; d < kDiagonals; d += kAttentionThreads)
      to[d] = table[entry(d, first_query, first_key)];
  }
};

__device__ inline int diagonal(int query, int key) { return key - query + kTileRows - 1; }

// Turns products of a tile's queries and keys, counted within it, into scores.
struct Scores {
  const float *window;  // null: no bias
  float scale;
  int keys;     // in the tile
  int visible;  // keys that the first query sees; each later one sees one more

  __device__ Scores(const gk_attention &a, const float *window, int64_t keys, int64_t first_query,
                    int64_t first_key)
      : window(a.table == nullptr ? nullptr : window),
        scale(a.scale),
        keys(static_cast<int>(smaller(keys - first_key, kTileRows))),
        visible(a.causal ? static_cast<int>(smaller(first_query - first_key, kTileRows)) + 1
                         : kTileRows) {}

  __device__ float operator()(int query, int key, float product) const {
    if (key >= keys || key >= visible + query) return -INFINITY;
    float score = product * scale;
    return window == nullptr ? score : score + window[diagonal(query, key)];
  }
};

// One past the last key that any query of this tile sees.
__device__ inline int64_t last_key(bool causal, int64_t first_query, int64_t keys) {
  return causal ? smaller(keys, first_query + kTileRows) : keys;
}

inline int64_t tiles_of(int64_t rows) { return divide_up(rows, kTileRows); }

template <int width>
struct Width {
  static constexpr int value = width;
};

// Calls f(T{}, Width) for the dtype and the head dimension, if all is as the kernels need it.
template <typename F>
int with_attention_types(const gk_attention &a, F f) {
  return with_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    bool aligned = is_wide<T>(a.q_stride, a.q, a.out) && is_wide<T>(a.k_stride, a.k) &&
                   is_wide<T>(a.v_stride, a.v);
    if (!aligned) return static_cast<int>(cudaErrorInvalidValue);
    switch (a.head_dim) {
      case 32:
        return f(type, Width<32>{});
      case 64:
        return f(type, Width<64>{});
      case 128:
        return f(type, Width<128>{});
      default:
        return static_cast<int>(cudaErrorInvalidValue);
    }
  });
}

}  // namespace gopet
