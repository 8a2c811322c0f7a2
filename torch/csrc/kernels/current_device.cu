#include "device.h"

#if defined(__CUDACC__)

int32_t gk_device_type() noexcept { return 1; }

int gk_compute_capability(int32_t *major, int32_t *minor) noexcept {
  int device;
  cudaError_t error = cudaGetDevice(&device);
  if (error == cudaSuccess)
    error = cudaDeviceGetAttribute(major, cudaDevAttrComputeCapabilityMajor, device);
  if (error == cudaSuccess)
    error = cudaDeviceGetAttribute(minor, cudaDevAttrComputeCapabilityMinor, device);
  return error;
}

#else

int32_t gk_device_type() noexcept { return 0; }

int gk_compute_capability(int32_t *major, int32_t *minor) noexcept {
  *major = 8;
  *minor = 0;
  return cudaSuccess;
}

#endif
