// What the two kernels of the masked gradient share with the plan: how entries
// are laid out in tiles, and how sums over parts of the tokens are put together.
#pragma once

#include "device.h"

namespace gopet {

// Sampled: a tile's entries lie in 128 rows of the weight and in 16 groups of
// columns, wherever those are; only groups that some entry needs are read.
constexpr int kGroup = 16;
constexpr int kBandRows = 128;
constexpr int kRowGroups = kBandRows / kGroup, kColumnGroups = 16;
constexpr int kSampledEntries = 1024;

struct SampledTile {
  int32_t begin, end;  // of the entries, in the plan's order
  int32_t row_groups, column_groups;
  int32_t row_group[kRowGroups], column_group[kColumnGroups];
};

// Product: a square of the weight.
constexpr int kTile = 128;

struct ProductTile {
  int32_t begin, end;
  int32_t row, column;  // of its first element
};

// The plan's words: the tiles, then two lists of k.
struct EntryLists {
  const int32_t *index;  // where an entry stands in the caller's order
  const int32_t *place;  // its row and column within the tile's groups or square

  __host__ __device__ static int32_t pack(int row, int column) { return row << 16 | column; }
  __device__ static int row(int32_t place) { return place >> 16; }
  __device__ static int column(int32_t place) { return place & 0xffff; }
};

// How the tokens are divided among blocks: so that there are enough blocks to
// fill a large GPU, but the same on all, for the division decides about bits.
struct TokenChunks {
  int64_t size, count;
};

inline TokenChunks token_chunks(const gk_masked_plan &plan, int64_t tokens) {
  constexpr int64_t kBlocks = 528, kTokensAtLeast = 256, kMultiple = 32;
  int64_t wanted =
      larger(1, smaller(divide_up(kBlocks, larger(plan.tiles, 1)), tokens / kTokensAtLeast));
  int64_t size = larger(kMultiple, divide_up(divide_up(tokens, wanted), kMultiple) * kMultiple);
  return {size, larger(1, divide_up(tokens, size))};
}

// Where a block puts an entry's sum over its chunk of the tokens.
struct ChunkSums {
  float *partial;  // [chunks, k], in the plan's order, where there are chunks
  float *gradient;
  const int32_t *index;
  int64_t k;

  __device__ void put(int64_t entry, float sum) const {
    if (gridDim.y == 1) {
      gradient[index[entry]] = sum;
    } else {
      partial[blockIdx.y * k + entry] = sum;
    }
  }
};

// One call of either kernel.
struct MaskedGradient {
  const gk_masked_plan *plan;
  const int32_t *words;
  EntryLists entries;
  int32_t dtype;
  const void *dy, *x;
  int64_t dy_stride, x_stride, tokens;
  TokenChunks chunks;
  ChunkSums sums;
  void *stream;
};

int masked_sampled(const MaskedGradient &a);
int masked_product(const MaskedGradient &a);

}  // namespace gopet
