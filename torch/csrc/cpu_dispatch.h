// Which compilation of a kernel this machine runs.
#pragma once

namespace gopet {

enum class CpuCapability { kDefault, kAvx2, kAvx512 };

// The instruction set that libtorch's own kernels use, which the environment
// variable ATEN_CPU_CAPABILITY (default, avx2, avx512) lowers.
CpuCapability cpu_capability();

}  // namespace gopet

// What libtorch means by the names, for __attribute__((target(...))).
#define GOPET_AVX2 "avx2,fma"
#define GOPET_AVX512 "avx512f,avx512bw,avx512dq,avx512vl,fma"

// All functions between GOPET_BEGIN_TARGET and GOPET_END_TARGET get that attribute.
#define GOPET_PRAGMA(text) _Pragma(#text)
#ifdef __clang__
#define GOPET_BEGIN_TARGET(set) \
  GOPET_PRAGMA(clang attribute push(__attribute__((target(set))), apply_to = function))
#define GOPET_END_TARGET GOPET_PRAGMA(clang attribute pop)
#else
#define GOPET_BEGIN_TARGET(set) GOPET_PRAGMA(GCC push_options) GOPET_PRAGMA(GCC target(set))
#define GOPET_END_TARGET GOPET_PRAGMA(GCC pop_options)
#endif

namespace gopet {
namespace internal {

#if defined(__x86_64__)
template <auto f, typename... Args>
__attribute__((target(GOPET_AVX512 ",prefer-vector-width=512"),
               flatten)) void avx512(const Args &...args) {
  f(args...);
}

template <auto f, typename... Args>
__attribute__((target(GOPET_AVX2), flatten)) void avx2(const Args &...args) {
  f(args...);
}
#endif

}  // namespace internal

// Calls f(args...), compiled for the best instructions. f and all that it calls are inline: plain
// loops, which the compiler vectorises for each.
template <auto f, typename... Args>
void cpu_dispatch(const Args &...args) {
#if defined(__x86_64__)
  if (cpu_capability() == CpuCapability::kAvx512) return internal::avx512<f>(args...);
  if (cpu_capability() == CpuCapability::kAvx2) return internal::avx2<f>(args...);
#endif
  f(args...);
}

}  // namespace gopet
