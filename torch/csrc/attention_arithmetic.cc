#include "attention_arithmetic.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "cpu_dispatch.h"
#include "vector.h"

namespace gopet {
namespace {

// The number after `position` others that SplitMix64 (Steele, Lea, Flood 2014)
// draws from a seed.
inline uint64_t mix(uint64_t seed, uint64_t position) {
  uint64_t x = seed + (position + 1) * 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// How many keys the query at row i of a block sees.
template <typename T>
inline int64_t visible(const ScoreBlock<T> &b, int64_t i) {
  return b.causal ? std::min(b.first + i + 1, b.keys) : b.keys;
}

namespace plain {
constexpr int kBytes = 16;
#include "attention_arithmetic_impl.h"
}  // namespace plain

#if defined(__x86_64__)
GOPET_BEGIN_TARGET(GOPET_AVX2)
namespace avx2 {
constexpr int kBytes = 32;
#include "attention_arithmetic_impl.h"
}  // namespace avx2
GOPET_END_TARGET

GOPET_BEGIN_TARGET(GOPET_AVX512)
namespace avx512 {
constexpr int kBytes = 64;
#include "attention_arithmetic_impl.h"
}  // namespace avx512
GOPET_END_TARGET
#endif

}  // namespace

template <typename E>
const Arithmetic<E> &arithmetic() {
#if defined(__x86_64__)
  // float64 is for checks of gradients, and not worth two more compilations.
  if constexpr (!std::is_same_v<E, double>) {
    if (cpu_capability() == CpuCapability::kAvx512) return avx512::kArithmetic<E>;
    if (cpu_capability() == CpuCapability::kAvx2) return avx2::kArithmetic<E>;
  }
#endif
  return plain::kArithmetic<E>;
}

template const Arithmetic<float> &arithmetic();
template const Arithmetic<double> &arithmetic();
template const Arithmetic<BFloat16> &arithmetic();

}  // namespace gopet
