// What every kernel needs of the device: its types, launches, shared memory,
// 16-byte loads. nvcc compiles it for GPUs, g++ over host/cuda.h for tests.
#pragma once

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#else
#include "host/cuda.h"
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels.h"

namespace gopet {

constexpr int kWarp = 32;
constexpr uint32_t kAllLanes = 0xffffffffu;

__host__ __device__ constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
__host__ __device__ constexpr int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
__host__ __device__ constexpr int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

__device__ inline float to_float(float x) { return x; }
__device__ inline float to_float(__half x) { return __half2float(x); }
__device__ inline float to_float(__nv_bfloat16 x) { return __bfloat162float(x); }

template <typename T>
__device__ inline T from_float(float x);
template <>
__device__ inline float from_float<float>(float x) {
  return x;
}
template <>
__device__ inline __half from_float<__half>(float x) {
  return __float2half_rn(x);
}
template <>
__device__ inline __nv_bfloat16 from_float<__nv_bfloat16>(float x) {
  return __float2bfloat16_rn(x);
}

// Numbers that a thread moves at once: 16 bytes of them, or a single one where
// addresses are not multiples of 16 bytes.
template <typename T, bool wide>
constexpr int kPack = wide ? 16 / sizeof(T) : 1;

template <typename T, int n>
struct alignas(smaller(n * sizeof(T), 16)) Pack {
  T at[n];
};

template <typename T, int n>
__device__ inline void load(const T *from, float (&to)[n]) {
  Pack<T, n> pack = *reinterpret_cast<const Pack<T, n> *>(from);
#pragma unroll
  for (int i = 0; i < n; i++) to[i] = to_float(pack.at[i]);
}

template <typename T, int n>
__device__ inline void store(T *to, const float (&from)[n]) {
  Pack<T, n> pack;
#pragma unroll
  for (int i = 0; i < n; i++) pack.at[i] = from_float<T>(from[i]);
  *reinterpret_cast<Pack<T, n> *>(to) = pack;
}

// Whether rows of `stride` elements from here on can be read 16 bytes at once.
template <typename T>
bool is_wide(int64_t stride) {
  return stride * sizeof(T) % 16 == 0;
}
template <typename T, typename... P>
bool is_wide(int64_t stride, const void *p, P... more) {
  return reinterpret_cast<uintptr_t>(p) % 16 == 0 && is_wide<T>(stride, more...);
}

// The block's shared memory. Its layout is the kernel's affair; all of it is
// asked for at the launch.
__device__ inline char *shared_memory() {
#if defined(__CUDACC__)
  extern __shared__ __align__(16) char memory[];
  return memory;
#else
  return static_cast<char *>(emulator::shared_memory());
#endif
}

template <typename... P, typename... A>
int launch(void (*kernel)(P...), dim3 grid, int threads, size_t shared, void *stream, A... args) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return cudaSuccess;
#if defined(__CUDACC__)
  if (shared > 48 * 1024) {
    cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                             static_cast<int>(shared));
    if (error != cudaSuccess) return error;
  }
  kernel<<<grid, threads, shared, static_cast<cudaStream_t>(stream)>>>(static_cast<P>(args)...);
  return cudaGetLastError();
#else
  (void)stream;
  bool ran = emulator::run(grid, static_cast<unsigned>(threads), shared, [=] { kernel(args...); });
  return ran ? cudaSuccess : cudaErrorInvalidValue;
#endif
}

// Calls f with a value of the type that dtype names.
template <typename F>
int with_type(int32_t dtype, F f) {
  switch (dtype) {
    case GK_FLOAT32:
      return f(float{});
    case GK_FLOAT16:
      return f(__half{});
    case GK_BFLOAT16:
      return f(__nv_bfloat16{});
    default:
      return cudaErrorInvalidValue;
  }
}

template <bool value>
struct Flag {
  static constexpr bool on = value;
};

template <typename F>
int with_flag(bool on, F f) {
  return on ? f(Flag<true>{}) : f(Flag<false>{});
}

}  // namespace gopet
