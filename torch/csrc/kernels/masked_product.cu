// The masked gradient by tiles: a block computes 128 x 128 numbers of dy^T x,
// which stay in registers and shared memory, and writes those of the mask.
#include "copy.h"
#include "masked.h"
#include "mma.h"

namespace gopet {
namespace {

constexpr int kWarps = 8, kThreads = kWarps * kWarp;
// Each warp computes 64 rows by 32 columns of the tile.
constexpr int kWarpRows = 64, kWarpColumns = 32, kWarpsAcross = kTile / kWarpColumns;
static_assert(kTile / kWarpRows * kWarpsAcross == kWarps);
constexpr int kStages = 3;

template <typename T>
struct Stage {
  static constexpr int kTokens = 64 / sizeof(T);
  static constexpr int kStride = kTile + kChunk<T>;  // see Operand
  T dy[kTokens][kStride];
  T x[kTokens][kStride];
};

template <typename T>
struct Shared {
  union {
    Stage<T> stage[kStages];
    float tile[kTile][kTile + 4];
  };
};

template <typename T>
struct Matrix {
  const T *at;
  int64_t stride, width;
};

// Copies kTile columns of a stage's tokens; what lies outside is zeros.
template <typename T, bool wide>
__device__ void copy_tile(T (*to)[Stage<T>::kStride], const Matrix<T> &m, int64_t column,
                          int64_t first, int64_t end) {
  constexpr int chunks = kTile / kChunk<T>;
  for (int i = threadIdx.x; i < Stage<T>::kTokens * chunks; i += kThreads) {
    int64_t token = first + i / chunks, c = column + i % chunks * kChunk<T>;
    copy_chunk<T, wide>(to[i / chunks] + i % chunks * kChunk<T>, m.at, token * m.stride + c,
                        token < end ? m.width - c : 0);
  }
}

template <typename T, bool wide>
__global__ void __launch_bounds__(kThreads, 2)
    product(const ProductTile *tiles, EntryLists entries, Matrix<T> dy, Matrix<T> x, int64_t tokens,
            int64_t chunk, ChunkSums sums) {
  Shared<T> &shared = *reinterpret_cast<Shared<T> *>(shared_memory());
  const ProductTile tile = tiles[blockIdx.x];
  constexpr int64_t step = Stage<T>::kTokens;
  int64_t begin = blockIdx.y * chunk, end = smaller(begin + chunk, tokens);
  auto copy = [&](int64_t first, int stage) {
    copy_tile<T, wide>(shared.stage[stage].dy, dy, tile.row, first, end);
    copy_tile<T, wide>(shared.stage[stage].x, x, tile.column, first, end);
    close_copies();
  };

  int warp = threadIdx.x / kWarp;
  int first_row = warp / kWarpsAcross * kWarpRows;
  int first_column = warp % kWarpsAcross * kWarpColumns;
  float c[kWarpRows / 16][kWarpColumns / 8][4] = {};
  for (int s = 0; s < kStages - 1; s++) copy(begin + s * step, s);
  int now = 0;
  for (int64_t token = begin; token < end; token += step) {
    wait_for_copies<kStages - 2>();
    // Behind this barrier nobody reads the stage before, which is filled next.
    __syncthreads();
    copy(token + (kStages - 1) * step, (now + kStages - 1) % kStages);
    const Stage<T> &stage = shared.stage[now];
    warp_product(c, Operand<T, true>{&stage.dy[0][first_row], Stage<T>::kStride},
                 Operand<T, true>{&stage.x[0][first_column], Stage<T>::kStride}, step);
    now = (now + 1) % kStages;
  }
  wait_for_copies<0>();
  __syncthreads();

#pragma unroll
  for (int i = 0; i < kWarpRows / 16; i++)
#pragma unroll
    for (int j = 0; j < kWarpColumns / 8; j++)
#pragma unroll
      for (int e = 0; e < 4; e++)
        shared.tile[first_row + i * 16 + mma_row(e)][first_column + j * 8 + mma_column(e)] =
            c[i][j][e];
  __syncthreads();
  for (int entry = tile.begin + threadIdx.x; entry < tile.end; entry += kThreads) {
    int32_t place = entries.place[entry];
    sums.put(entry, shared.tile[EntryLists::row(place)][EntryLists::column(place)]);
  }
}

}  // namespace

int masked_product(const MaskedGradient &a) {
  return with_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    Matrix<T> dy{static_cast<const T *>(a.dy), a.dy_stride, a.plan->out};
    Matrix<T> x{static_cast<const T *>(a.x), a.x_stride, a.plan->in};
    bool aligned = is_wide<T>(a.dy_stride, a.dy) && is_wide<T>(a.x_stride, a.x);
    return with_flag(aligned, [&](auto wide) {
      return launch(
          product<T, decltype(wide)::on>,
          dim3(static_cast<unsigned>(a.plan->tiles), static_cast<unsigned>(a.chunks.count)),
          kThreads, sizeof(Shared<T>), a.stream, reinterpret_cast<const ProductTile *>(a.words),
          a.entries, dy, x, a.tokens, a.chunks.size, a.sums);
    });
  });
}

}  // namespace gopet
