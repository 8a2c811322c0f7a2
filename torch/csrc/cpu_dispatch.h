// Runs a function that was compiled for the instructions that this processor has. The arithmetic is
// written once, as inline templates over plain loops or vector types; ATEN_CPU_CAPABILITY=avx2 or
// default holds it to older instructions, as it does libtorch.
#pragma once

namespace gopet {

enum class CpuCapability { baseline, avx2, avx512 };

// What the processor has and ATEN_CPU_CAPABILITY allows. Looked up once.
CpuCapability cpu_capability();

namespace internal {

#if defined(__x86_64__)
template <auto f, typename... Args>
__attribute__((target("arch=x86-64-v4,prefer-vector-width=512"), flatten)) void avx512(
    const Args &...args) {
  f(args...);
}

template <auto f, typename... Args>
__attribute__((target("arch=x86-64-v3"), flatten)) void avx2(const Args &...args) {
  f(args...);
}
#endif

}  // namespace internal

// Calls f(args...), where f and all that it calls are inline, compiled for the best instructions.
template <auto f, typename... Args>
void cpu_dispatch(const Args &...args) {
#if defined(__x86_64__)
  switch (cpu_capability()) {
    case CpuCapability::avx512:
      return internal::avx512<f>(args...);
    case CpuCapability::avx2:
      return internal::avx2<f>(args...);
    case CpuCapability::baseline:
      break;
  }
#endif
  f(args...);
}

}  // namespace gopet
