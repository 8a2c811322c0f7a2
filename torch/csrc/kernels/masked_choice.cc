// Which of the two kernels computes a mask's gradient faster.
#include "masked_choice.h"

#include <algorithm>

namespace gopet {
namespace {

// What a device does in a second, by its data sheet and by counting: 16-bit and
// float32 operations, bytes from the second cache, and multiply-adds of sampled
// entries, which take two reads of shared memory with bank conflicts (a sixth
// of 32 lanes a cycle and multiprocessor).
struct Rates {
  int32_t major;
  double half, single, cache, sampled;
};
constexpr Rates kAmpere{8, 312e12, 19.5e12, 4.0e12, 108 * 32 / 6 * 1.4e9};
constexpr Rates kHopper{9, 989e12, 67e12, 5.5e12, 132 * 32 / 6 * 1.7e9};

// Of the data sheet's rate, what mma.sync and plain multiply-adds reach.
constexpr double kEfficiency = 0.5;

}  // namespace

double sampled_seconds(const MaskedWork &w) {
  const Rates &r = w.major >= kHopper.major ? kHopper : kAmpere;
  double bytes = static_cast<double>(w.groups) * kGroup * (w.dtype == GK_FLOAT32 ? 4 : 2);
  return static_cast<double>(w.tokens) *
         std::max(bytes / r.cache, static_cast<double>(w.k) / r.sampled);
}

double product_seconds(const MaskedWork &w) {
  const Rates &r = w.major >= kHopper.major ? kHopper : kAmpere;
  bool single = w.dtype == GK_FLOAT32;
  double bytes = static_cast<double>(w.tiles) * 2 * kTile * (single ? 4 : 2);
  double operations = static_cast<double>(w.tiles) * 2 * kTile * kTile;
  return static_cast<double>(w.tokens) *
         std::max(bytes / r.cache, operations / (kEfficiency * (single ? r.single : r.half)));
}

int32_t masked_method(const MaskedWork &w, const Crossover *measured, size_t n) {
  double area = static_cast<double>(w.tiles) * kTile * kTile;
  for (size_t i = 0; i < n; i++) {
    const Crossover &c = measured[i];
    if (c.dtype == w.dtype && c.major == w.major && c.minor == w.minor) {
      return static_cast<double>(w.k) > c.density * area ? GK_PRODUCT : GK_SAMPLED;
    }
  }
  return product_seconds(w) < sampled_seconds(w) ? GK_PRODUCT : GK_SAMPLED;
}

}  // namespace gopet

using namespace gopet;

int gk_masked_choose(int32_t *method, const int64_t *index, int64_t k, int64_t out, int64_t in,
                     int64_t tokens, int32_t dtype, int32_t major, int32_t minor) noexcept {
  MaskedWork w{k, 0, 0, tokens, dtype, major, minor};
  for (int32_t m : {GK_SAMPLED, GK_PRODUCT}) {
    gk_masked_plan plan;
    int error = gk_masked_plan_make(&plan, index, k, out, in, m);
    if (error != cudaSuccess) return error;
    (m == GK_SAMPLED ? w.groups : w.tiles) = m == GK_SAMPLED ? plan.groups : plan.tiles;
    gk_masked_plan_free(&plan);
  }
  *method = masked_method(w, measured_crossovers.data(), measured_crossovers.size());
  return cudaSuccess;
}
