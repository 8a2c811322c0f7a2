// Attention, backward. One kernel has 64 keys of a head and goes over the
// queries for dk and dv, another has 64 queries and goes over the keys for dq
// and the table's gradient. Both compute the scores again: that is two products
// more than one kernel with atomic sums takes, and has an order.
#include "attention.h"

namespace gopet {
namespace {

constexpr int kThreads = 256;
// Blocks that should share a multiprocessor's registers.
template <int width>
constexpr int kBlocks = width == 32   ? 3
                        : width == 64 ? 2
                                      : 1;

struct Workspace {
  float *delta;  // [heads, queries]: dout . out
  float *table;  // [heads, rows, distances]: what each block of queries adds to the table
  int64_t rows;
};

// The row of a tile of queries among those of all sequences, for which they
// need not be counted: a sequence takes at most one more than its share.
__host__ __device__ int64_t table_row(int64_t begin, int64_t sequence, int64_t tile) {
  return begin / kTileRows + sequence + tile;
}

Workspace workspace_at(const gk_attention &a, void *memory) {
  auto delta = static_cast<float *>(memory);
  float *table = delta == nullptr ? nullptr : delta + a.heads * a.queries;
  return {delta, table, table_row(a.queries, a.sequences, 0)};
}

// A warp for each query and head.
template <typename T>
__global__ void dot_products(gk_attention a, const T *dout, float *delta) {
  int64_t i = blockIdx.x * int64_t{kThreads / kWarp} + threadIdx.x / kWarp;
  if (i >= a.queries * a.heads) return;
  int64_t query = i / a.heads, head = i % a.heads;
  const T *o = static_cast<const T *>(a.out) + i * a.head_dim, *d = dout + i * a.head_dim;
  float sum = 0;
  for (int c = threadIdx.x % kWarp; c < a.head_dim; c += kWarp)
    sum += to_float(o[c]) * to_float(d[c]);
  sum = warp_sum(sum);
  if (threadIdx.x % kWarp == 0) delta[head * a.queries + query] = sum;
}

// What the forward pass left of a tile's queries. One that does not exist has
// an infinite log-sum-exp, so that its weights are zero.
struct Rows {
  float logsumexp[kTileRows], delta[kTileRows];

  __device__ void read(const gk_attention &a, const float *all_delta, const Range &queries,
                       int head, int64_t first) {
    for (int i = threadIdx.x; i < kTileRows; i += kAttentionThreads) {
      int64_t at = head * a.queries + queries.begin + first + i;
      bool inside = first + i < queries.count;
      logsumexp[i] = inside ? a.logsumexp[at] : INFINITY;
      delta[i] = inside ? all_delta[at] : 0;
    }
  }
};

template <typename T, int width>
__device__ Head<const T> dout_of(const gk_attention &a, const gk_attention_gradient &g,
                                 const Range &queries, int head) {
  return head_of<const T, width>(static_cast<const T *>(g.dout), int64_t{a.heads} * width, queries,
                                 head);
}

template <typename T, int width>
struct KeyShared {
  Tile<T, width> q, dout, k, v;
  Tile<T, kTileRows> weights;
  float window[kDiagonals];
  Rows rows;
};

template <typename T, int width>
__global__ void __launch_bounds__(kAttentionThreads, kBlocks<width>)
    key_gradients(gk_attention a, gk_attention_gradient g, const float *delta, int64_t tiles) {
  auto &shared = *reinterpret_cast<KeyShared<T, width> *>(shared_memory());
  Place place(tiles);
  Inputs<T, width> in(a, place);
  if (place.first >= in.keys.count) return;
  auto dout = dout_of<T, width>(a, g, in.queries, place.head);
  Bias bias(a, place.head);

  copy_rows(shared.k, in.k, place.first, in.keys.count);
  copy_rows(shared.v, in.v, place.first, in.keys.count);
  Sums<width> dk = {}, dv = {};
  // Keys are rows here and queries columns, so that products sum over queries.
  for (int64_t query = a.causal ? place.first : 0; query < in.queries.count; query += kTileRows) {
    copy_rows(shared.q, in.q, query, in.queries.count);
    copy_rows(shared.dout, dout, query, in.queries.count);
    shared.rows.read(a, delta, in.queries, place.head, query);
    bias.window(shared.window, query, place.first);
    wait_for_copies<0>();
    __syncthreads();

    Scores score(a, shared.window, in.keys.count, query, place.first);
    Sums<kTileRows> p = {}, ds = {};
    warp_product(p, shared.k.warp_rows(), shared.q.rows(), width);
    for_sums<kTileRows>(p, [&](int key, int column, float &s) {
      s = __expf(score(column, key, s) - shared.rows.logsumexp[column]);
      shared.weights.at[key][column] = from_float<T>(s);
    });
    __syncwarp();
    warp_product(dv, shared.weights.warp_rows(), shared.dout.summed_rows(), kTileRows);
    warp_product(ds, shared.v.warp_rows(), shared.dout.rows(), width);
    __syncwarp();  // before the weights are overwritten
    for_sums<kTileRows>(ds, p, [&](int key, int column, float &s, float weight) {
      s = weight * (s - shared.rows.delta[column]);
      shared.weights.at[key][column] = from_float<T>(s);
    });
    __syncwarp();
    warp_product(dk, shared.weights.warp_rows(), shared.q.summed_rows(), kTileRows);
    __syncthreads();
  }
  wait_for_copies<0>();  // where there is no query
  write_rows<T, width>(head_of<T, width>(static_cast<T *>(g.dk), a.k_stride, in.keys, place.head),
                       dk, a.scale, place.first, in.keys.count);
  write_rows<T, width>(head_of<T, width>(static_cast<T *>(g.dv), a.v_stride, in.keys, place.head),
                       dv, 1, place.first, in.keys.count);
}

template <typename T, int width>
struct QueryShared {
  Tile<T, width> q, dout, k, v;
  Tile<T, kTileRows> ds;
  float window[kDiagonals], sums[kDiagonals];
  Rows rows;
  // The scores' gradient for the table: ds where that is float32.
  static constexpr bool kRounds = sizeof(T) < sizeof(float);
  float exact[kRounds ? kTileRows : 1][kTileRows];

  __device__ float &score_gradient(int row, int column) {
    if constexpr (kRounds) {
      return exact[row][column];
    } else {
      return ds.at[row][column];
    }
  }
};

// Adds a tile's diagonals to this block's row of the table's gradient, where
// no other block writes.
template <typename Shared>
__device__ void add_diagonals(Shared &shared, const Bias &bias, float *to, int64_t first_query,
                              int64_t first_key) {
  for (int d = threadIdx.x; d < kDiagonals; d += kAttentionThreads) {
    float sum = 0;
    for (int row = 0; row < kTileRows; row++) {
      int column = d - (kTileRows - 1) + row;
      if (column >= 0 && column < kTileRows) sum += shared.score_gradient(row, column);
    }
    shared.sums[d] = sum;
  }
  __syncthreads();
  // Diagonals beyond the table's ends share an entry: the first of them adds them all.
  for (int d = threadIdx.x; d < kDiagonals; d += kAttentionThreads) {
    int64_t entry = bias.entry(d, first_query, first_key);
    if (d > 0 && bias.entry(d - 1, first_query, first_key) == entry) continue;
    float sum = 0;
    for (int i = d; i < kDiagonals && bias.entry(i, first_query, first_key) == entry; i++)
      sum += shared.sums[i];
    to[entry] += sum;
  }
}

template <typename T, int width>
__global__ void __launch_bounds__(kAttentionThreads, kBlocks<width>)
    query_gradients(gk_attention a, gk_attention_gradient g, Workspace w, int64_t tiles) {
  auto &shared = *reinterpret_cast<QueryShared<T, width> *>(shared_memory());
  Place place(tiles);
  Inputs<T, width> in(a, place);
  if (place.first >= in.queries.count) return;
  auto dout = dout_of<T, width>(a, g, in.queries, place.head);
  Bias bias(a, place.head);
  float *dtable = nullptr;
  if (g.dtable != nullptr) {
    int64_t row = table_row(in.queries.begin, place.sequence, place.first / kTileRows);
    dtable = w.table + (place.head * w.rows + row) * a.distances;
    for (int64_t i = threadIdx.x; i < a.distances; i += kAttentionThreads) dtable[i] = 0;
  }

  copy_rows(shared.q, in.q, place.first, in.queries.count);
  copy_rows(shared.dout, dout, place.first, in.queries.count);
  shared.rows.read(a, w.delta, in.queries, place.head, place.first);
  Sums<width> dq = {};
  int64_t end = last_key(a.causal, place.first, in.keys.count);
  for (int64_t key = 0; key < end; key += kTileRows) {
    copy_rows(shared.k, in.k, key, in.keys.count);
    copy_rows(shared.v, in.v, key, in.keys.count);
    bias.window(shared.window, place.first, key);
    wait_for_copies<0>();
    __syncthreads();

    Scores score(a, shared.window, in.keys.count, place.first, key);
    Sums<kTileRows> p = {}, ds = {};
    warp_product(p, shared.q.warp_rows(), shared.k.rows(), width);
    warp_product(ds, shared.dout.warp_rows(), shared.v.rows(), width);
    for_sums<kTileRows>(ds, p, [&](int query, int column, float &s, float product) {
      float weight = __expf(score(query, column, product) - shared.rows.logsumexp[query]);
      s = weight * (s - shared.rows.delta[query]);
      shared.ds.at[query][column] = from_float<T>(s);
      if (dtable != nullptr) shared.score_gradient(query, column) = s;
    });
    __syncwarp();
    warp_product(dq, shared.ds.warp_rows(), shared.k.summed_rows(), kTileRows);
    __syncthreads();
    // What it reads is written again only behind the next barrier.
    if (dtable != nullptr) add_diagonals(shared, bias, dtable, place.first, key);
  }
  wait_for_copies<0>();  // where there is no key
  write_rows<T, width>(
      head_of<T, width>(static_cast<T *>(g.dq), a.q_stride, in.queries, place.head), dq, a.scale,
      place.first, in.queries.count);
}

// A block for each head and 32 entries of the table; each of its warps adds up
// every eighth block of queries.
__global__ void add_table_rows(gk_attention a, Workspace w, float *dtable) {
  float *sums = reinterpret_cast<float *>(shared_memory());
  constexpr int kWarps = kThreads / kWarp;
  int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  int64_t entry = int64_t{blockIdx.x} * kWarp + lane;
  const float *head = w.table + blockIdx.y * w.rows * a.distances;
  float sum = 0;
  int64_t number = 0;
  for (int64_t s = 0; s < a.sequences; s++) {
    Range queries(a.cu_q, s);
    for (int64_t tile = 0; tile * kTileRows < queries.count; tile++, number++) {
      if (number % kWarps != warp || entry >= a.distances) continue;
      sum += head[table_row(queries.begin, s, tile) * a.distances + entry];
    }
  }
  sums[threadIdx.x] = sum;
  __syncthreads();
  if (warp != 0 || entry >= a.distances) return;
  for (int i = 1; i < kWarps; i++) sum += sums[i * kWarp + lane];
  dtable[blockIdx.y * a.distances + entry] = sum;
}

template <typename T, int width>
int attention_backward(const gk_attention &a, const gk_attention_gradient &g, void *stream) {
  Workspace w = workspace_at(a, g.workspace);
  unsigned heads = static_cast<unsigned>(a.heads);
  auto grid = [&](int64_t blocks) { return dim3(static_cast<unsigned>(blocks), heads); };
  int64_t query_tiles = tiles_of(a.max_queries), key_tiles = tiles_of(a.max_keys);
  int error = launch(dot_products<T>,
                     dim3(static_cast<unsigned>(divide_up(a.queries * a.heads, kThreads / kWarp))),
                     kThreads, 0, stream, a, static_cast<const T *>(g.dout), w.delta);
  if (error != cudaSuccess) return error;
  error = launch(key_gradients<T, width>, grid(key_tiles * a.sequences), kAttentionThreads,
                 sizeof(KeyShared<T, width>), stream, a, g, static_cast<const float *>(w.delta),
                 key_tiles);
  if (error != cudaSuccess) return error;
  error = launch(query_gradients<T, width>, grid(query_tiles * a.sequences), kAttentionThreads,
                 sizeof(QueryShared<T, width>), stream, a, g, w, query_tiles);
  if (error != cudaSuccess || g.dtable == nullptr) return error;
  return launch(add_table_rows, grid(divide_up(a.distances, kWarp)), kThreads,
                kThreads * sizeof(float), stream, a, w, g.dtable);
}

}  // namespace
}  // namespace gopet

using namespace gopet;

int64_t gk_attention_workspace(const gk_attention *a) noexcept {
  Workspace w = workspace_at(*a, nullptr);
  int64_t table = a->table == nullptr ? 0 : a->heads * w.rows * a->distances;
  return (a->heads * a->queries + table) * static_cast<int64_t>(sizeof(float));
}

int gk_attention_backward(const gk_attention *a, const gk_attention_gradient *g,
                          void *stream) noexcept {
  if (a->table == nullptr && g->dtable != nullptr) return cudaErrorInvalidValue;
  return with_attention_types(*a, [&](auto type, auto width) {
    using T = decltype(type);
    bool aligned = is_wide<T>(0, g->dout, g->dq, g->dk, g->dv);
    if (!aligned) return static_cast<int>(cudaErrorInvalidValue);
    return attention_backward<T, decltype(width)::value>(*a, *g, stream);
  });
}
