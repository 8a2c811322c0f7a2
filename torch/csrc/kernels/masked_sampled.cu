// The masked gradient by sampled products: a block reads the few groups of
// columns that a tile's entries need into shared memory, a stage of tokens
// after another, and each lane adds up four entries.
#include "copy.h"
#include "masked.h"

namespace gopet {
namespace {

constexpr int kWarps = 8, kThreads = kWarps * kWarp;
constexpr int kLaneEntries = 4, kListEntries = kLaneEntries * kWarp;
constexpr int kColumns = kColumnGroups * kGroup;
static_assert(kWarps * kListEntries == kSampledEntries);

template <typename T>
struct Stage {
  static constexpr int kTokens = 64 / sizeof(T);
  T dy[kTokens][kBandRows];
  T x[kTokens][kColumns];
};

template <typename T>
struct Shared {
  union {
    Stage<T> stage[2];
    float sums[kSampledEntries];
  };
};

template <typename T>
struct Matrix {
  const T *at;
  int64_t stride, width;
};

// Copies groups of columns of one token, 16 bytes a lane; zeros if it is not inside.
template <typename T, bool wide>
__device__ void copy_groups(T *to, const Matrix<T> &m, int64_t token, bool inside,
                            const int32_t *group, int groups) {
  constexpr int chunks = kGroup / kChunk<T>;
  for (int i = threadIdx.x % kWarp; i < groups * chunks; i += kWarp) {
    int64_t column = int64_t{group[i / chunks]} * kGroup + i % chunks * kChunk<T>;
    copy_chunk<T, wide>(to + i * kChunk<T>, m.at, token * m.stride + column,
                        inside ? m.width - column : 0);
  }
}

// Each warp copies its share of the tokens; those from end on are zeros.
template <typename T, bool wide>
__device__ void copy_stage(Stage<T> &stage, const Matrix<T> &dy, const Matrix<T> &x,
                           const SampledTile &tile, int64_t first, int64_t end) {
  for (int t = threadIdx.x / kWarp; t < Stage<T>::kTokens; t += kWarps) {
    int64_t token = first + t;
    copy_groups<T, wide>(stage.dy[t], dy, token, token < end, tile.row_group, tile.row_groups);
    copy_groups<T, wide>(stage.x[t], x, token, token < end, tile.column_group, tile.column_groups);
  }
  close_copies();
}

template <typename T, bool wide>
__global__ void __launch_bounds__(kThreads, 4)
    sampled(const SampledTile *tiles, EntryLists entries, Matrix<T> dy, Matrix<T> x, int64_t tokens,
            int64_t chunk, ChunkSums sums) {
  Shared<T> &shared = *reinterpret_cast<Shared<T> *>(shared_memory());
  const SampledTile &tile = tiles[blockIdx.x];
  int n = tile.end - tile.begin;
  // Entries make lists of 128. Warps that share a list take turns at the tokens.
  int lists = 1;
  while (lists * kListEntries < n) lists *= 2;
  int turns = kWarps / lists, warp = threadIdx.x / kWarp;
  int turn = warp / lists, mine = warp % lists * kListEntries + threadIdx.x % kWarp;

  int row[kLaneEntries], column[kLaneEntries];
#pragma unroll
  for (int j = 0; j < kLaneEntries; j++) {
    int entry = mine + j * kWarp;
    int32_t place = entries.place[tile.begin + (entry < n ? entry : 0)];
    row[j] = EntryLists::row(place);
    column[j] = EntryLists::column(place);
  }

  float sum[kLaneEntries] = {};
  constexpr int64_t step = Stage<T>::kTokens;
  int64_t begin = blockIdx.y * chunk, end = smaller(begin + chunk, tokens);
  copy_stage<T, wide>(shared.stage[0], dy, x, tile, begin, end);
  int now = 0;
  for (int64_t token = begin; token < end; token += step, now = 1 - now) {
    copy_stage<T, wide>(shared.stage[1 - now], dy, x, tile, token + step, end);
    wait_for_copies<1>();
    __syncthreads();
    const Stage<T> &stage = shared.stage[now];
    for (int t = turn; t < step; t += turns) {
#pragma unroll
      for (int j = 0; j < kLaneEntries; j++)
        sum[j] += to_float(stage.dy[t][row[j]]) * to_float(stage.x[t][column[j]]);
    }
    __syncthreads();
  }
  wait_for_copies<0>();
  __syncthreads();

  int listed = lists * kListEntries;
#pragma unroll
  for (int j = 0; j < kLaneEntries; j++) shared.sums[turn * listed + mine + j * kWarp] = sum[j];
  __syncthreads();
  for (int entry = threadIdx.x; entry < n; entry += kThreads) {
    float total = 0;
    for (int i = 0; i < turns; i++) total += shared.sums[i * listed + entry];
    sums.put(tile.begin + entry, total);
  }
}

}  // namespace

int masked_sampled(const MaskedGradient &a) {
  return with_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    Matrix<T> dy{static_cast<const T *>(a.dy), a.dy_stride, a.plan->out};
    Matrix<T> x{static_cast<const T *>(a.x), a.x_stride, a.plan->in};
    bool aligned = is_wide<T>(a.dy_stride, a.dy) && is_wide<T>(a.x_stride, a.x);
    return with_flag(aligned, [&](auto wide) {
      return launch(
          sampled<T, decltype(wide)::on>,
          dim3(static_cast<unsigned>(a.plan->tiles), static_cast<unsigned>(a.chunks.count)),
          kThreads, sizeof(Shared<T>), a.stream, reinterpret_cast<const SampledTile *>(a.words),
          a.entries, dy, x, a.tokens, a.chunks.size, a.sums);
    });
  });
}

}  // namespace gopet
