#include "cpu_dispatch.h"

#include <cstdlib>
#include <cstring>

namespace gopet {
namespace {

CpuCapability detect() {
#if defined(__x86_64__)
  const char *asked = std::getenv("ATEN_CPU_CAPABILITY");
  bool avx2 = asked == nullptr || std::strcmp(asked, "default") != 0;
  bool avx512 = avx2 && (asked == nullptr || std::strcmp(asked, "avx2") != 0);
  if (avx512 && __builtin_cpu_supports("x86-64-v4")) return CpuCapability::avx512;
  if (avx2 && __builtin_cpu_supports("x86-64-v3")) return CpuCapability::avx2;
#endif
  return CpuCapability::baseline;
}

}  // namespace

CpuCapability cpu_capability() {
  static const CpuCapability capability = detect();
  return capability;
}

}  // namespace gopet
