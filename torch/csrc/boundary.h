// What every function at the C boundary shares: handles, modes, one macro
// that turns exceptions into errors.
#pragma once

#include <ATen/ATen.h>

#include <atomic>
#include <optional>

#include "gopet_torch.h"

namespace gopet {

inline at::Tensor &unwrap(gt_tensor handle) { return *reinterpret_cast<at::Tensor *>(handle); }

inline std::optional<at::Tensor> optional(gt_tensor handle) {
  if (handle == 0) return std::nullopt;
  return unwrap(handle);
}

inline at::Tensor tensor_or_undefined(gt_tensor handle) {
  return handle == 0 ? at::Tensor() : unwrap(handle);
}

// A new handle for t; counted in gt_live_tensors.
gt_tensor wrap(at::Tensor t);

std::vector<at::Tensor> unwrap_list(const gt_tensor *handles, size_t n);

inline at::IntArrayRef ints(const int64_t *values, size_t n) { return {values, n}; }

at::TensorOptions options(int32_t dtype, int32_t device);

// Sets the thread-local modes that one call asks for and restores them.
class CallGuard {
 public:
  explicit CallGuard(int32_t mode);
  ~CallGuard();

 private:
  bool previous_grad_mode_;
};

// The error of the exception being handled.
gt_error current_error() noexcept;

}  // namespace gopet

// The body of every function at the boundary: nothing thrown leaves it.
#define GT_BOUNDARY(mode, ...)         \
  try {                                \
    gopet::CallGuard call_guard(mode); \
    __VA_ARGS__;                       \
    return gt_error{GT_OK, nullptr};   \
  } catch (...) {                      \
    return gopet::current_error();     \
  }

// A function whose result is one new tensor.
#define GT_RESULT(out, mode, expression) GT_BOUNDARY(mode, *(out) = gopet::wrap(expression))
