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
