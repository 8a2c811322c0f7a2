#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/version.h>

#include <cstring>
#include <mutex>
#include <string>

#include "boundary.h"
#include "cuda_kernels.h"
#include "cuda_libraries.h"
#include "threads.h"

namespace gopet {

namespace {
std::atomic<int32_t> wanted_threads{0};

// libtorch's own choice, taken before anybody changes it.
int32_t default_threads() {
  static const int32_t n = at::get_num_threads();
  return n;
}

int32_t threads() {
  int32_t wanted = wanted_threads.load(std::memory_order_relaxed);
  return wanted > 0 ? wanted : default_threads();
}

char *copy(const std::string &text) {
  char *c = static_cast<char *>(std::malloc(text.size() + 1));
  if (c != nullptr) std::memcpy(c, text.c_str(), text.size() + 1);
  return c;
}
}  // namespace

void apply_num_threads() {
  thread_local int32_t applied = 0;
  int32_t wanted = threads();
  if (wanted == applied) return;
  at::set_num_threads(wanted);
  applied = wanted;
}

}  // namespace gopet

using namespace gopet;

const char *gt_libtorch_version(void) noexcept { return TORCH_VERSION; }

const char *gt_build_config(void) noexcept {
  try {
    return copy(at::show_config());
  } catch (...) {
    return nullptr;
  }
}

const char *gt_cpu_capability(void) noexcept {
  static const std::string capability = at::get_cpu_capability();
  return capability.c_str();
}

void gt_set_num_threads(int32_t n) noexcept { wanted_threads.store(n, std::memory_order_relaxed); }

int32_t gt_num_threads(void) noexcept { return threads(); }

gt_error gt_manual_seed(uint64_t seed) noexcept { GT_BOUNDARY(0, at::manual_seed(seed)) }

gt_error gt_rng_state(gt_tensor *out) noexcept {
  GT_RESULT(out, GT_MODE_NO_GRAD, at::detail::getDefaultCPUGenerator().get_state())
}

gt_error gt_set_rng_state(gt_tensor state) noexcept {
  GT_BOUNDARY(GT_MODE_NO_GRAD, {
    auto generator = at::detail::getDefaultCPUGenerator();
    std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_state(unwrap(state));
  })
}

gt_error gt_cuda_device_count(int32_t *out) noexcept {
  try {
    const std::string &obstacle = cuda_obstacle();
    if (!obstacle.empty()) return gt_error{GT_ERROR_DEVICE, copy(obstacle)};
    *out = at::detail::getCUDAHooks().deviceCount();
    if (*out == 0) return gt_error{GT_ERROR_DEVICE, copy("the NVIDIA driver lists no device")};
    return gt_error{GT_OK, nullptr};
  } catch (...) {
    return current_error();
  }
}

gt_error gt_cuda_kernels(void) noexcept {
  try {
    const std::string &obstacle = cuda_kernels_obstacle();
    if (!obstacle.empty()) return gt_error{GT_ERROR_DEVICE, copy(obstacle)};
    return gt_error{GT_OK, nullptr};
  } catch (...) {
    return current_error();
  }
}

gt_error gt_device_memory(int64_t *now, int64_t *peak, int32_t device) noexcept {
  int32_t devices = 0;
  gt_error missing = gt_cuda_device_count(&devices);
  if (missing.kind != GT_OK) return missing;
  GT_BOUNDARY(0, {
    auto index = static_cast<c10::DeviceIndex>(device);
    auto stats = c10::getDeviceAllocator(at::kCUDA)->getDeviceStats(index);
    constexpr auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    *now = stats.allocated_bytes[all].current;
    *peak = stats.allocated_bytes[all].peak;
  })
}

gt_error gt_reset_device_peak(int32_t device) noexcept {
  int32_t devices = 0;
  gt_error missing = gt_cuda_device_count(&devices);
  if (missing.kind != GT_OK) return missing;
  GT_BOUNDARY(0, {
    c10::getDeviceAllocator(at::kCUDA)->resetPeakStats(static_cast<c10::DeviceIndex>(device));
  })
}

gt_error gt_synchronize(int32_t device) noexcept {
  GT_BOUNDARY(0, {
    if (device >= 0) {
      c10::impl::VirtualGuardImpl(at::kCUDA).synchronizeDevice(
          static_cast<c10::DeviceIndex>(device));
    }
  })
}
