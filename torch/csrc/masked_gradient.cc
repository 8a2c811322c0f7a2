#include "masked_gradient.h"

#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>

#include <algorithm>
#include <vector>

#include "blocks.h"
#include "cuda_kernels.h"
#include "masked_gradient_cuda.h"
#include "sampled_product.h"

namespace gopet {
namespace {

// Rows of the weight that one dense product on a device computes.
constexpr int64_t kTileRows = 64;

// Tokens are divided among threads in at most this many chunks, whatever the
// number of threads: the division never changes a sum.
constexpr int64_t kMaxChunks = 16;
constexpr int64_t kMinChunk = 128;

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <typename T>
void sampled(const at::Tensor &dy, const at::Tensor &x, const SampledRun &r, T *out) {
  int64_t tokens = x.size(0);
  int64_t chunk = divide_up(std::max<int64_t>(tokens, 1), kMaxChunks * kMinChunk) * kMinChunk;
  int64_t chunks = divide_up(tokens, chunk);
  std::vector<T> partial(chunks * r.padded());
  at::parallel_for(0, chunks, 1, [&](int64_t first, int64_t last) {
    for (int64_t c = first; c < last; c++) {
      int64_t begin = c * chunk, n = std::min(chunk, tokens - begin);
      sampled_product(const_matrix<T>(dy).rows_from(begin, n), r.rows,
                      const_matrix<T>(x).rows_from(begin, n), r.cols,
                      partial.data() + c * r.padded());
    }
  });
  std::fill(out + r.begin, out + r.end, T(0));
  for (int64_t c = 0; c < chunks; c++)
    for (int64_t i = r.begin; i < r.end; i++) out[i] += partial[c * r.padded() + i - r.begin];
}

// One half (0 or 1) of a tile's columns.
template <typename T>
void dense_half(const at::Tensor &dy, const at::Tensor &x, const MaskPlan &p, MaskRun r,
                int64_t half, T *out) {
  int64_t first = p.row[r.begin], rows = p.row[r.end - 1] - first + 1;
  int64_t begin = half * (p.in / 2), end = half == 0 ? p.in / 2 : p.in;
  at::Tensor tile = at::mm(dy.narrow(1, first, rows).t(), x.narrow(1, begin, end - begin));
  const T *values = tile.const_data_ptr<T>();
  for (int64_t i = r.begin; i < r.end; i++) {
    if (p.col[i] >= begin && p.col[i] < end)
      out[i] = values[(p.row[i] - first) * (end - begin) + p.col[i] - begin];
  }
}

template <typename T>
at::Tensor on_cpu(const at::Tensor &dy, const at::Tensor &x, const MaskPlan &p) {
  at::Tensor gradient = at::empty({p.entries()}, dy.options());
  for (const SampledRun &r : p.sampled) sampled(dy, x, r, gradient.data_ptr<T>());
  dense_entries(dy, x, p, gradient);
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

void dense_entries(const at::Tensor &dy, const at::Tensor &x, const MaskPlan &p,
                   const at::Tensor &gradient) {
  // A product that is shared among threads may be summed in another order, so
  // each runs in one. Halves make two tasks at least: a lone task would not
  // count as running in parallel, and its product would be shared.
  int64_t halves = 2 * static_cast<int64_t>(p.dense.size());
  at::parallel_for(0, halves, 1, [&](int64_t first, int64_t last) {
    at::AutoDispatchBelowAutograd no_grad;
    for (int64_t i = first; i < last; i++) {
      if (dy.scalar_type() == at::kDouble) {
        dense_half(dy, x, p, p.dense[i / 2], i % 2, gradient.data_ptr<double>());
      } else {
        dense_half(dy, x, p, p.dense[i / 2], i % 2, gradient.data_ptr<float>());
      }
    }
  });
}

at::Tensor masked_gradient(const at::Tensor &dy, const at::Tensor &x, const at::Tensor &index) {
  TORCH_CHECK(dy.dim() == 2 && x.dim() == 2 && dy.size(0) == x.size(0), "masked gradient of dy ",
              dy.sizes(), " and x ", x.sizes());
  if (cuda_kernels(dy)) return masked_gradient_cuda(dy, x, index);
  auto type = dy.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  at::Tensor d = dy.to(type).contiguous(), v = x.to(type).contiguous();
  if (!d.is_cpu()) return on_device(d, v, index);
  auto plan = mask_plan(index, d.size(1), v.size(1));
  return type == at::kDouble ? on_cpu<double>(d, v, *plan) : on_cpu<float>(d, v, *plan);
}

}  // namespace gopet
