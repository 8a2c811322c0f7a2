// Attention over packed sequences, forward: a block has 64 queries of a head
// and goes over the in.keys, 64 at a time, with a running softmax. The scores
// never leave the multiprocessor, nor does the bias, which is looked up.
#include "attention.h"

namespace gopet {
namespace {

template <typename T, int width>
struct Shared {
  Tile<T, width> q, k, v;
  Tile<T, kTileRows> p;
  float window[kDiagonals];
};

// The softmax of this thread's two rows so far. Every row sees its sequence's
// first key, so none is without a largest score after the first tile.
struct Softmax {
  float largest[2] = {-INFINITY, -INFINITY}, sum[2] = {};

  // Turns scores into weights relative to the largest score, and what was
  // added up before into the same measure.
  template <int width>
  __device__ void add(Sums<kTileRows> &scores, Sums<width> &out) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float before = largest[half], total = 0;
#pragma unroll
      for (int j = 0; j < kTileRows / 8; j++)
        largest[half] =
            fmaxf(largest[half], fmaxf(scores[0][j][half * 2], scores[0][j][half * 2 + 1]));
      largest[half] = warp_max<4>(largest[half]);
#pragma unroll
      for (int j = 0; j < kTileRows / 8; j++) {
#pragma unroll
        for (int e = half * 2; e < half * 2 + 2; e++) {
          scores[0][j][e] = __expf(scores[0][j][e] - largest[half]);
          total += scores[0][j][e];
        }
      }
      float shrink = __expf(before - largest[half]);
      sum[half] = sum[half] * shrink + warp_sum<4>(total);
#pragma unroll
      for (int j = 0; j < width / 8; j++) {
        out[0][j][half * 2] *= shrink;
        out[0][j][half * 2 + 1] *= shrink;
      }
    }
  }
};

template <typename T, int width>
__global__ void __launch_bounds__(kAttentionThreads) attention(gk_attention a, int64_t tiles) {
  Shared<T, width> &shared = *reinterpret_cast<Shared<T, width> *>(shared_memory());
  Place place(tiles);
  Inputs<T, width> in(a, place);
  if (place.first >= in.queries.count) return;
  Bias bias(a, place.head);
  int64_t end = last_key(a.causal, place.first, in.keys.count);

  copy_rows(shared.q, in.q, place.first, in.queries.count);
  copy_rows(shared.k, in.k, 0, in.keys.count);
  copy_rows(shared.v, in.v, 0, in.keys.count);
  Softmax softmax;
  Sums<width> out = {};
  for (int64_t key = 0; key < end; key += kTileRows) {
    bias.window(shared.window, place.first, key);
    wait_for_copies<1>();  // all but the values
    __syncthreads();
    Sums<kTileRows> scores = {};
    warp_product(scores, shared.q.warp_rows(), shared.k.rows(), width);
    Scores score(a, shared.window, in.keys.count, place.first, key);
    for_sums<kTileRows>(scores, [&](int row, int column, float &s) { s = score(row, column, s); });
    softmax.add<width>(scores, out);
    for_sums<kTileRows>(scores, [&](int row, int column, float &s) {
      shared.p.at[row][column] = from_float<T>(s);
    });
    wait_for_copies<0>();
    __syncthreads();  // the values are there; nobody reads the keys any more
    copy_rows(shared.k, in.k, key + kTileRows, in.keys.count);
    warp_product(out, shared.p.warp_rows(), shared.v.summed_rows(), kTileRows);
    __syncthreads();
    copy_rows(shared.v, in.v, key + kTileRows, in.keys.count);
  }
  wait_for_copies<0>();

#pragma unroll
  for (int half = 0; half < 2; half++) {
    int64_t row = place.first + threadIdx.x / kWarp * 16 + mma_row(half * 2);
    float sum = softmax.sum[half], inverse = sum > 0 ? 1 / sum : sum;
#pragma unroll
    for (int j = 0; j < width / 8; j++) {
      out[0][j][half * 2] *= inverse;
      out[0][j][half * 2 + 1] *= inverse;
    }
    if (a.logsumexp != nullptr && threadIdx.x % 4 == 0 && row < in.queries.count) {
      a.logsumexp[place.head * a.queries + in.queries.begin + row] =
          softmax.largest[half] + logf(sum);
    }
  }
  auto to =
      head_of<T, width>(static_cast<T *>(a.out), int64_t{a.heads} * width, in.queries, place.head);
  write_rows<T, width>(to, out, 1, place.first, in.queries.count);
}

}  // namespace
}  // namespace gopet

using namespace gopet;

int gk_attention_forward(const gk_attention *a, void *stream) noexcept {
  return with_attention_types(*a, [&](auto type, auto head_width) {
    using T = decltype(type);
    constexpr int width = decltype(head_width)::value;
    int64_t tiles = tiles_of(a->max_queries);
    dim3 grid(static_cast<unsigned>(tiles * a->sequences), static_cast<unsigned>(a->heads));
    return launch(attention<T, width>, grid, kAttentionThreads, sizeof(Shared<T, width>), stream,
                  *a, tiles);
  });
}
