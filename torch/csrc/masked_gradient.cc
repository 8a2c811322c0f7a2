#include "masked_gradient.h"

#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>

#include <algorithm>
#include <vector>

#include "sampled_product.h"

namespace gopet {
namespace {

// Rows of the weight that one dense product computes: bounds its scratch to
// kTileRows * in for each thread.
constexpr int64_t kTileRows = 64;

// Entries that one sampled pass computes: bounds its scratch to kMaxChunks
// partial sums of each.
constexpr int64_t kPassEntries = 1 << 16;

// Tokens are divided among threads in at most this many chunks, whatever the
// number of threads: the division never changes a sum.
constexpr int64_t kMaxChunks = 16;
constexpr int64_t kMinChunk = 128;

// What a sampled entry costs in entries of a dense tile (measured with 384 to
// 1536 columns and 2,048 tokens), and the rows below which a tile gets no
// cheaper.
constexpr double kSampledCost = 3;
constexpr int64_t kDenseRowsFloor = 8;

struct Entries {
  std::vector<int32_t> row, col;
};

Entries positions(const at::Tensor &index, int64_t out, int64_t in) {
  const int64_t *flat = index.const_data_ptr<int64_t>();
  int64_t n = index.numel();
  Entries e;
  e.row.resize(n);
  e.col.resize(n);
  for (int64_t i = 0; i < n; i++) {
    TORCH_CHECK_INDEX(flat[i] >= 0 && flat[i] < out * in, "entry ", flat[i], " of a weight [", out,
                      ", ", in, "]");
    TORCH_CHECK(i == 0 || flat[i] > flat[i - 1], "a mask's index must be ascending and distinct");
    e.row[i] = static_cast<int32_t>(flat[i] / in);
    e.col[i] = static_cast<int32_t>(flat[i] % in);
  }
  return e;
}

// A run of entries computed in one way.
struct Segment {
  int64_t begin, end;  // entries
};

struct Plan {
  std::vector<Segment> sampled, dense;
};

// Walks the entries a tile of rows at a time and gives each tile the cheaper way.
Plan plan(const Entries &e, int64_t in) {
  Plan p;
  int64_t n = static_cast<int64_t>(e.row.size());
  for (int64_t begin = 0; begin < n;) {
    auto next = std::lower_bound(e.row.begin() + begin, e.row.end(), e.row[begin] + kTileRows);
    int64_t end = next - e.row.begin();
    int64_t rows = std::max<int64_t>(e.row[end - 1] - e.row[begin] + 1, kDenseRowsFloor);
    if (kSampledCost * static_cast<double>(end - begin) > static_cast<double>(rows * in)) {
      p.dense.push_back({begin, end});
    } else if (!p.sampled.empty() && p.sampled.back().end == begin &&
               end - p.sampled.back().begin <= kPassEntries) {
      p.sampled.back().end = end;
    } else {
      p.sampled.push_back({begin, end});
    }
    begin = end;
  }
  return p;
}

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

SampledColumns columns(const std::vector<int32_t> &column, Segment s, int64_t width) {
  std::vector<int32_t> place(divide_up(width, kColumnGroup), -1);
  for (int64_t i = s.begin; i < s.end; i++) place[column[i] / kColumnGroup] = 0;
  SampledColumns c;
  for (size_t group = 0; group < place.size(); group++) {
    if (place[group] < 0) continue;
    place[group] = static_cast<int32_t>(c.groups.size());
    c.groups.push_back(static_cast<int32_t>(group));
  }
  c.entry.assign(divide_up(s.end - s.begin, kColumnGroup) * kColumnGroup, 0);
  for (int64_t i = s.begin; i < s.end; i++) {
    c.entry[i - s.begin] = static_cast<int32_t>(place[column[i] / kColumnGroup] * kColumnGroup +
                                                column[i] % kColumnGroup);
  }
  return c;
}

template <typename T>
void sampled(const at::Tensor &dy, const at::Tensor &x, const Entries &e, Segment s, T *out) {
  SampledProduct<T> product{
      dy.const_data_ptr<T>(),        x.const_data_ptr<T>(),       dy.size(1), x.size(1),
      columns(e.row, s, dy.size(1)), columns(e.col, s, x.size(1))};
  int64_t tokens = x.size(0);
  int64_t chunk = divide_up(std::max<int64_t>(tokens, 1), kMaxChunks * kMinChunk) * kMinChunk;
  int64_t chunks = divide_up(tokens, chunk);
  int64_t padded = static_cast<int64_t>(product.a_columns.entry.size());
  std::vector<T> partial(chunks * padded);
  at::parallel_for(0, chunks, 1, [&](int64_t first, int64_t last) {
    for (int64_t c = first; c < last; c++) {
      sampled_product(product, c * chunk, std::min((c + 1) * chunk, tokens),
                      partial.data() + c * padded);
    }
  });
  std::fill(out + s.begin, out + s.end, T(0));
  for (int64_t c = 0; c < chunks; c++)
    for (int64_t i = s.begin; i < s.end; i++) out[i] += partial[c * padded + i - s.begin];
}

// One half (0 or 1) of a tile's columns.
template <typename T>
void dense(const at::Tensor &dy, const at::Tensor &x, const Entries &e, Segment s, int64_t half,
           T *out) {
  int64_t first = e.row[s.begin], rows = e.row[s.end - 1] - first + 1;
  int64_t in = x.size(1), begin = half * (in / 2), end = half == 0 ? in / 2 : in;
  at::Tensor tile = at::mm(dy.narrow(1, first, rows).t(), x.narrow(1, begin, end - begin));
  const T *values = tile.const_data_ptr<T>();
  for (int64_t i = s.begin; i < s.end; i++) {
    if (e.col[i] >= begin && e.col[i] < end)
      out[i] = values[(e.row[i] - first) * (end - begin) + e.col[i] - begin];
  }
}

template <typename T>
at::Tensor on_cpu(const at::Tensor &dy, const at::Tensor &x, const at::Tensor &index) {
  at::Tensor gradient = at::empty({index.numel()}, dy.options());
  T *out = gradient.data_ptr<T>();
  Entries e = positions(index, dy.size(1), x.size(1));
  Plan p = plan(e, x.size(1));
  for (Segment s : p.sampled) sampled(dy, x, e, s, out);
  // A product that is shared among threads may be summed in another order, so
  // each runs in one. Halves make two tasks at least: a lone task would not
  // count as running in parallel, and its product would be shared.
  int64_t halves = 2 * static_cast<int64_t>(p.dense.size());
  at::parallel_for(0, halves, 1, [&](int64_t first, int64_t last) {
    at::AutoDispatchBelowAutograd no_grad;
    for (int64_t i = first; i < last; i++) dense(dy, x, e, p.dense[i / 2], i % 2, out);
  });
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
  TORCH_CHECK(dy.dim() == 2 && x.dim() == 2 && dy.size(0) == x.size(0), "masked gradient of dy ",
              dy.sizes(), " and x ", x.sizes());
  auto type = dy.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  at::Tensor d = dy.to(type).contiguous(), v = x.to(type).contiguous();
  if (!d.is_cpu()) return on_device(d, v, index);
  return type == at::kDouble ? on_cpu<double>(d, v, index) : on_cpu<float>(d, v, index);
}

}  // namespace gopet
