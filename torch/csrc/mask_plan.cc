#include "mask_plan.h"

#include <algorithm>

#include "index_cache.h"

namespace gopet {
namespace {

// Rows of the weight that one dense product computes: bounds its scratch to
// kTileRows * in for each thread.
constexpr int64_t kTileRows = 64;

// Entries that one sampled run computes: bounds its scratch to so many partial
// sums for each block of tokens.
constexpr int64_t kRunEntries = 1 << 16;

// What a sampled entry costs in entries of a dense tile (measured with 384 to
// 1536 columns and 2,048 tokens), and the rows below which a tile gets no
// cheaper.
constexpr double kSampledCost = 3;
constexpr int64_t kDenseRowsFloor = 8;

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

void set_positions(MaskPlan &p, const at::Tensor &index) {
  const int64_t *flat = index.const_data_ptr<int64_t>();
  int64_t n = index.numel();
  p.row.resize(n);
  p.col.resize(n);
  for (int64_t i = 0; i < n; i++) {
    TORCH_CHECK_INDEX(flat[i] >= 0 && flat[i] < p.out * p.in, "entry ", flat[i], " of a weight [",
                      p.out, ", ", p.in, "]");
    TORCH_CHECK(i == 0 || flat[i] > flat[i - 1], "a mask's index must be ascending and distinct");
    p.row[i] = static_cast<int32_t>(flat[i] / p.in);
    p.col[i] = static_cast<int32_t>(flat[i] % p.in);
  }
}

SampledColumns columns(const std::vector<int32_t> &column, MaskRun r, int64_t width) {
  std::vector<int32_t> place(divide_up(width, kColumnGroup), -1);
  for (int64_t i = r.begin; i < r.end; i++) place[column[i] / kColumnGroup] = 0;
  SampledColumns c;
  for (size_t group = 0; group < place.size(); group++) {
    if (place[group] < 0) continue;
    place[group] = static_cast<int32_t>(c.groups.size());
    c.groups.push_back(static_cast<int32_t>(group));
  }
  c.entry.assign(divide_up(r.end - r.begin, kColumnGroup) * kColumnGroup, 0);
  for (int64_t i = r.begin; i < r.end; i++) {
    c.entry[i - r.begin] = static_cast<int32_t>(place[column[i] / kColumnGroup] * kColumnGroup +
                                                column[i] % kColumnGroup);
  }
  return c;
}

// Walks the entries a tile of rows at a time and gives each tile the cheaper way.
void choose(MaskPlan &p) {
  std::vector<MaskRun> sampled;
  int64_t n = p.entries();
  for (int64_t begin = 0; begin < n;) {
    auto next = std::lower_bound(p.row.begin() + begin, p.row.end(), p.row[begin] + kTileRows);
    int64_t end = next - p.row.begin();
    int64_t rows = std::max<int64_t>(p.row[end - 1] - p.row[begin] + 1, kDenseRowsFloor);
    if (kSampledCost * static_cast<double>(end - begin) > static_cast<double>(rows * p.in)) {
      p.dense.push_back({begin, end});
    } else if (!sampled.empty() && sampled.back().end == begin &&
               end - sampled.back().begin <= kRunEntries) {
      sampled.back().end = end;
    } else {
      sampled.push_back({begin, end});
    }
    begin = end;
  }
  for (MaskRun r : sampled)
    p.sampled.push_back({r, columns(p.row, r, p.out), columns(p.col, r, p.in)});
}

std::shared_ptr<const MaskPlan> make(const at::Tensor &index, int64_t out, int64_t in) {
  auto p = std::make_shared<MaskPlan>();
  p->out = out;
  p->in = in;
  set_positions(*p, index);
  choose(*p);
  return p;
}

}  // namespace

std::shared_ptr<const MaskPlan> mask_plan(const at::Tensor &index, int64_t out, int64_t in) {
  static IndexCache<MaskPlan> plans;
  return plans.get(
      index, [&](const MaskPlan &p) { return p.out == out && p.in == in; },
      [&] { return make(index, out, in); });
}

}  // namespace gopet
