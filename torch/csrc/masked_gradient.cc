#include "masked_gradient.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define GOPET_VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GOPET_VECTOR_CLONES
#endif

namespace gopet {
namespace {

// Rows of the weight that are computed at once by a dense product: bounds the
// scratch memory to kTileRows * in.
constexpr int64_t kTileRows = 64;

// Tokens whose products are summed before they join the total: shorter chains
// of additions keep float32 sums close to the dense product's.
constexpr int64_t kTokenBlock = 64;

// Entries that one sampled pass holds: their sums stay in the first cache.
constexpr int64_t kEntryBlock = 512;

// What one multiply-add of a sampled entry costs in those of a dense product
// (measured: two gathers against a blocked product).
constexpr double kSampledCost = 24;

// A dense product of few rows is bound by reading x: it costs at least this many rows.
constexpr int64_t kDenseRowsFloor = 8;

struct Entries {
  std::vector<int32_t> row, col;
};

Entries positions(const at::Tensor &index, int64_t in) {
  const int64_t *flat = index.const_data_ptr<int64_t>();
  Entries e;
  e.row.resize(index.numel());
  e.col.resize(index.numel());
  for (int64_t i = 0; i < index.numel(); i++) {
    e.row[i] = static_cast<int32_t>(flat[i] / in);
    e.col[i] = static_cast<int32_t>(flat[i] % in);
  }
  return e;
}

// total[i] += sum over tokens of dy[t, row[i]] * x[t, col[i]], by gathering
// four tokens at a time.
template <typename T>
inline __attribute__((always_inline)) void sampled_body(const T *dy, const T *x, int64_t tokens,
                                                        int64_t out, int64_t in,
                                                        const int32_t *row, const int32_t *col,
                                                        int64_t n, T *block, T *total) {
  for (int64_t begin = 0; begin < tokens; begin += kTokenBlock) {
    int64_t end = std::min(begin + kTokenBlock, tokens);
    std::fill(block, block + n, T(0));
    int64_t t = begin;
    for (; t + 4 <= end; t += 4) {
      const T *d0 = dy + t * out, *d1 = d0 + out, *d2 = d1 + out, *d3 = d2 + out;
      const T *x0 = x + t * in, *x1 = x0 + in, *x2 = x1 + in, *x3 = x2 + in;
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) {
        int32_t r = row[i], c = col[i];
        block[i] += (d0[r] * x0[c] + d1[r] * x1[c]) + (d2[r] * x2[c] + d3[r] * x3[c]);
      }
    }
    for (; t < end; t++) {
      const T *d = dy + t * out, *v = x + t * in;
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) block[i] += d[row[i]] * v[col[i]];
    }
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) total[i] += block[i];
  }
}

GOPET_VECTOR_CLONES
void sampled_rows(const float *dy, const float *x, int64_t tokens, int64_t out, int64_t in,
                  const int32_t *row, const int32_t *col, int64_t n, float *block, float *total) {
  sampled_body(dy, x, tokens, out, in, row, col, n, block, total);
}

GOPET_VECTOR_CLONES
void sampled_rows(const double *dy, const double *x, int64_t tokens, int64_t out, int64_t in,
                  const int32_t *row, const int32_t *col, int64_t n, double *block,
                  double *total) {
  sampled_body(dy, x, tokens, out, in, row, col, n, block, total);
}

// A run of entries computed in one way.
struct Segment {
  int64_t begin, end;  // entries
  bool dense;
};

// Walks the entries a tile of rows at a time and gives each tile the cheaper way.
std::vector<Segment> plan(const Entries &e, int64_t in) {
  std::vector<Segment> segments;
  int64_t n = static_cast<int64_t>(e.row.size());
  for (int64_t begin = 0; begin < n;) {
    int64_t first = e.row[begin], end = begin;
    while (end < n && e.row[end] < first + kTileRows) end++;
    int64_t rows = std::max<int64_t>(e.row[end - 1] - first + 1, kDenseRowsFloor);
    bool dense = kSampledCost * static_cast<double>(end - begin) >
                 static_cast<double>(rows) * static_cast<double>(in);
    if (!segments.empty() && !dense && !segments.back().dense) {
      segments.back().end = end;
    } else {
      segments.push_back({begin, end, dense});
    }
    begin = end;
  }
  return segments;
}

template <typename T>
void sampled(const at::Tensor &dy, const at::Tensor &x, const Entries &e, Segment s, T *out) {
  const T *d = dy.const_data_ptr<T>(), *v = x.const_data_ptr<T>();
  int64_t blocks = (s.end - s.begin + kEntryBlock - 1) / kEntryBlock;
  // As many even parts as threads can share, whatever their number: the
  // division does not change any sum.
  int64_t part = std::max<int64_t>(1, (s.end - s.begin + 2 * blocks - 1) / (2 * blocks));
  int64_t parts = (s.end - s.begin + part - 1) / part;
  at::parallel_for(0, parts, 1, [&](int64_t p0, int64_t p1) {
    std::vector<T> block(part);
    for (int64_t p = p0; p < p1; p++) {
      int64_t begin = s.begin + p * part, end = std::min(begin + part, s.end);
      std::fill(out + begin, out + end, T(0));
      sampled_rows(d, v, x.size(0), dy.size(1), x.size(1), e.row.data() + begin,
                   e.col.data() + begin, end - begin, block.data(), out + begin);
    }
  });
}

template <typename T>
void dense(const at::Tensor &dy, const at::Tensor &x, const Entries &e, Segment s, T *out) {
  int64_t first = e.row[s.begin], rows = e.row[s.end - 1] - first + 1, in = x.size(1);
  at::Tensor tile = at::mm(dy.narrow(1, first, rows).t(), x);
  const T *values = tile.const_data_ptr<T>();
  for (int64_t i = s.begin; i < s.end; i++) out[i] = values[(e.row[i] - first) * in + e.col[i]];
}

template <typename T>
at::Tensor on_cpu(const at::Tensor &dy, const at::Tensor &x, const at::Tensor &index) {
  at::Tensor gradient = at::empty({index.numel()}, dy.options());
  T *out = gradient.data_ptr<T>();
  Entries e = positions(index, x.size(1));
  for (const Segment &s : plan(e, x.size(1))) {
    if (s.dense) {
      dense(dy, x, e, s, out);
    } else {
      sampled(dy, x, e, s, out);
    }
  }
  return gradient;
}

// The device's own products, a tile of rows at a time.
at::Tensor on_device(const at::Tensor &dy, const at::Tensor &x, const at::Tensor &index) {
  int64_t in = x.size(1), out = dy.size(1);
  at::Tensor bounds = at::arange(0, out + kTileRows, kTileRows, index.options()).mul_(in);
  at::Tensor starts = at::searchsorted(index, bounds).to(at::kCPU);
  const int64_t *start = starts.const_data_ptr<int64_t>();
  std::vector<at::Tensor> parts;
  for (int64_t tile = 0; tile * kTileRows < out; tile++) {
    int64_t n = start[tile + 1] - start[tile];
    if (n == 0) continue;
    int64_t first = tile * kTileRows, rows = std::min(kTileRows, out - first);
    at::Tensor product = at::mm(dy.narrow(1, first, rows).t(), x).view({-1});
    parts.push_back(product.index_select(0, index.narrow(0, start[tile], n) - first * in));
  }
  return parts.empty() ? at::empty({0}, dy.options()) : at::cat(parts);
}

}  // namespace

at::Tensor masked_gradient(const at::Tensor &dy, const at::Tensor &x, const at::Tensor &index) {
  TORCH_CHECK(dy.dim() == 2 && x.dim() == 2 && dy.size(0) == x.size(0),
              "masked gradient of dy ", dy.sizes(), " and x ", x.sizes());
  auto type = dy.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  at::Tensor d = dy.to(type).contiguous(), v = x.to(type).contiguous();
  if (!d.is_cpu()) return on_device(d, v, index);
  return type == at::kDouble ? on_cpu<double>(d, v, index) : on_cpu<float>(d, v, index);
}

}  // namespace gopet
