// Groups a mask's entries by the tile of the weight that a block computes.
#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>
#include <vector>

#include "masked.h"

namespace gopet {
namespace {

struct Entry {
  int32_t row, column, index;
};

bool valid(const int64_t *index, int64_t k, int64_t out, int64_t in) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  if (k < 0 || out < 0 || in < 0 || k > kMost || out > kMost || in > kMost) return false;
  for (int64_t i = 0; i < k; i++) {
    int64_t least = i == 0 ? 0 : index[i - 1] + 1;
    if (index[i] < least || index[i] >= out * in) return false;
  }
  return true;
}

// Entries of the rows from here on that lie in the same band, by column.
std::vector<Entry> band(const int64_t *index, int64_t begin, int64_t k, int64_t in, int64_t rows) {
  std::vector<Entry> entries;
  int64_t end = (index[begin] / in / rows + 1) * rows * in;
  for (int64_t i = begin; i < k && index[i] < end; i++) {
    entries.push_back({static_cast<int32_t>(index[i] / in), static_cast<int32_t>(index[i] % in),
                       static_cast<int32_t>(i)});
  }
  return entries;
}

template <typename Tile>
struct Plan {
  std::vector<Tile> tiles;
  std::vector<int32_t> index, place;
  int64_t groups = 0;
};

// A list of a few groups without repetition, and the slot of a group in it.
int32_t slot(int32_t *groups, int32_t *count, int32_t group) {
  int32_t *end = groups + *count, *found = std::find(groups, end, group);
  if (found == end) {
    *found = group;
    ++*count;
  }
  return static_cast<int32_t>(found - groups);
}

Plan<SampledTile> sampled_plan(const int64_t *index, int64_t k, int64_t in) {
  Plan<SampledTile> plan;
  for (int64_t begin = 0; begin < k;) {
    std::vector<Entry> entries = band(index, begin, k, in, kBandRows);
    begin += static_cast<int64_t>(entries.size());
    std::stable_sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) {
      return a.column / kGroup < b.column / kGroup;
    });
    int32_t first = static_cast<int32_t>(plan.index.size());
    SampledTile tile{first, first, 0, 0, {}, {}};
    auto finish = [&] {
      plan.groups += tile.row_groups + tile.column_groups;
      plan.tiles.push_back(tile);
      tile = {tile.end, tile.end, 0, 0, {}, {}};
    };
    for (const Entry &e : entries) {
      int32_t group = e.column / kGroup;
      bool new_group =
          tile.column_groups == 0 || tile.column_group[tile.column_groups - 1] != group;
      if ((new_group && tile.column_groups == kColumnGroups) ||
          tile.end - tile.begin == kSampledEntries) {
        finish();
      }
      int32_t row = slot(tile.row_group, &tile.row_groups, e.row / kGroup);
      int32_t column = slot(tile.column_group, &tile.column_groups, group);
      plan.index.push_back(e.index);
      plan.place.push_back(
          EntryLists::pack(row * kGroup + e.row % kGroup, column * kGroup + e.column % kGroup));
      tile.end++;
    }
    finish();
  }
  return plan;
}

Plan<ProductTile> product_plan(const int64_t *index, int64_t k, int64_t in) {
  Plan<ProductTile> plan;
  for (int64_t begin = 0; begin < k;) {
    std::vector<Entry> entries = band(index, begin, k, in, kTile);
    begin += static_cast<int64_t>(entries.size());
    std::stable_sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) {
      return a.column / kTile < b.column / kTile;
    });
    int32_t first = entries[0].row / kTile * kTile, last_column = -1;
    for (const Entry &e : entries) {
      int32_t column = e.column / kTile * kTile, n = static_cast<int32_t>(plan.index.size());
      if (column != last_column) plan.tiles.push_back({n, n, first, column});
      last_column = column;
      plan.index.push_back(e.index);
      plan.place.push_back(EntryLists::pack(e.row - first, e.column - column));
      plan.tiles.back().end++;
    }
  }
  return plan;
}

template <typename Tile>
int write(gk_masked_plan *to, const Plan<Tile> &plan) {
  if (plan.tiles.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max()))
    return cudaErrorInvalidValue;
  size_t tile_words = plan.tiles.size() * (sizeof(Tile) / sizeof(int32_t));
  size_t n = tile_words + 2 * plan.index.size();
  // At least one word, so that there is memory to point to.
  auto words = static_cast<int32_t *>(std::malloc((n + 1) * sizeof(int32_t)));
  if (words == nullptr) return cudaErrorMemoryAllocation;
  if (tile_words > 0) std::memcpy(words, plan.tiles.data(), tile_words * sizeof(int32_t));
  std::copy(plan.index.begin(), plan.index.end(), words + tile_words);
  std::copy(plan.place.begin(), plan.place.end(), words + tile_words + plan.index.size());
  to->tiles = static_cast<int32_t>(plan.tiles.size());
  to->groups = plan.groups;
  to->n = static_cast<int64_t>(n);
  to->words = words;
  return cudaSuccess;
}

}  // namespace
}  // namespace gopet

using namespace gopet;

int gk_masked_plan_make(gk_masked_plan *plan, const int64_t *index, int64_t k, int64_t out,
                        int64_t in, int32_t method) noexcept {
  *plan = {k, out, in, method, 0, 0, 0, nullptr};
  if (!valid(index, k, out, in)) return cudaErrorInvalidValue;
  try {
    switch (method) {
      case GK_SAMPLED:
        return write(plan, sampled_plan(index, k, in));
      case GK_PRODUCT:
        return write(plan, product_plan(index, k, in));
      default:
        return cudaErrorInvalidValue;
    }
  } catch (const std::bad_alloc &) {
    return cudaErrorMemoryAllocation;
  }
}

void gk_masked_plan_free(gk_masked_plan *plan) noexcept {
  std::free(plan->words);
  plan->words = nullptr;
}
