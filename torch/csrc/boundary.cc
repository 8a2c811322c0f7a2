#include "boundary.h"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "threads.h"

namespace gopet {

namespace {
std::atomic<int64_t> live_tensors{0};

char *copy_message(const char *text) noexcept {
  char *copy = static_cast<char *>(std::malloc(std::strlen(text) + 1));
  if (copy != nullptr) std::strcpy(copy, text);
  return copy;
}

gt_error error(int32_t kind, const char *message) noexcept {
  return gt_error{kind, copy_message(message)};
}
}  // namespace

gt_tensor wrap(at::Tensor t) {
  auto handle = reinterpret_cast<gt_tensor>(new at::Tensor(std::move(t)));
  live_tensors.fetch_add(1, std::memory_order_relaxed);
  return handle;
}

std::vector<at::Tensor> unwrap_list(const gt_tensor *handles, size_t n) {
  std::vector<at::Tensor> list;
  list.reserve(n);
  for (size_t i = 0; i < n; i++) list.push_back(unwrap(handles[i]));
  return list;
}

at::TensorOptions options(int32_t dtype, int32_t device) {
  auto o = at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype));
  if (device == GT_DEVICE_CPU) return o.device(at::kCPU);
  if (device == GT_DEVICE_META) return o.device(at::kMeta);
  return o.device(at::kCUDA, static_cast<int8_t>(device));
}

CallGuard::CallGuard(int32_t mode) : previous_grad_mode_(c10::GradMode::is_enabled()) {
  apply_num_threads();
  c10::GradMode::set_enabled((mode & GT_MODE_NO_GRAD) == 0);
}

CallGuard::~CallGuard() { c10::GradMode::set_enabled(previous_grad_mode_); }

gt_error current_error() noexcept {
  try {
    throw;
  } catch (const c10::OutOfMemoryError &e) {
    return error(GT_ERROR_OUT_OF_MEMORY, e.what_without_backtrace());
  } catch (const c10::IndexError &e) {
    return error(GT_ERROR_INDEX, e.what_without_backtrace());
  } catch (const c10::NotImplementedError &e) {
    return error(GT_ERROR_NOT_IMPLEMENTED, e.what_without_backtrace());
  } catch (const c10::Error &e) {
    const char *message = e.what_without_backtrace();
    // The CPU allocator reports exhaustion as a plain error.
    bool exhausted = std::strstr(message, "can't allocate memory") != nullptr;
    return error(exhausted ? GT_ERROR_OUT_OF_MEMORY : GT_ERROR_VALUE, message);
  } catch (const std::bad_alloc &e) {
    return error(GT_ERROR_OUT_OF_MEMORY, e.what());
  } catch (const std::exception &e) {
    return error(GT_ERROR_VALUE, e.what());
  } catch (...) {
    return error(GT_ERROR_UNKNOWN, "an exception of unknown type");
  }
}

}  // namespace gopet

void gt_free(void *p) noexcept { std::free(p); }

int64_t gt_live_tensors(void) noexcept {
  return gopet::live_tensors.load(std::memory_order_relaxed);
}

void gt_tensor_free(const gt_tensor *tensors, size_t n) noexcept {
  for (size_t i = 0; i < n; i++) delete &gopet::unwrap(tensors[i]);
  gopet::live_tensors.fetch_sub(static_cast<int64_t>(n), std::memory_order_relaxed);
}
