#include "device.h"

const char *gk_error_text(int error) noexcept {
  return cudaGetErrorString(static_cast<cudaError_t>(error));
}
