#include "cpu_dispatch.h"

#include <ATen/Version.h>

#include <string>

namespace gopet {

CpuCapability cpu_capability() {
  static const CpuCapability capability = [] {
    std::string name = at::get_cpu_capability();
    if (name == "AVX512") return CpuCapability::kAvx512;
    return name == "AVX2" ? CpuCapability::kAvx2 : CpuCapability::kDefault;
  }();
  return capability;
}

}  // namespace gopet
