// Stands in for nvcc's headers where g++ compiles the kernels: the part of
// CUDA that they use, run on the CPU so that their arithmetic is tested without
// a GPU. emulator.cc runs the threads.
//
// Blocks run one after another, in an order that the test chooses; so do the
// warps of a block between two barriers, and the lanes of a warp between two
// exchanges. A kernel whose result depends on
// either order has a race. Shared memory begins as NaNs and ends where it ends,
// so reading what nothing wrote shows, and the address sanitizer sees the rest.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

struct alignas(16) uint4 {
  uint32_t x, y, z, w;
};
struct alignas(8) uint2 {
  uint32_t x, y;
};

enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2 };
inline const char *cudaGetErrorString(cudaError_t error) {
  return error == cudaSuccess             ? "no error"
         : error == cudaErrorInvalidValue ? "invalid argument"
                                          : "out of memory";
}

struct __half {
  uint16_t bits;
};
struct __nv_bfloat16 {
  uint16_t bits;
};

inline float __half2float(__half h) {
  _Float16 value;
  std::memcpy(&value, &h, sizeof value);
  return static_cast<float>(value);
}
inline __half __float2half_rn(float f) {
  _Float16 value = static_cast<_Float16>(f);
  __half h;
  std::memcpy(&h, &value, sizeof h);
  return h;
}
inline float __bfloat162float(__nv_bfloat16 b) {
  uint32_t bits = uint32_t{b.bits} << 16;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}
inline __nv_bfloat16 __float2bfloat16_rn(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, sizeof bits);
  if (std::isnan(f)) return {0x7fff};
  return {
      static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};  // to nearest, ties to even
}

inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }

namespace emulator {

// The running thread.
struct Thread {
  dim3 block, thread, grid, threads;
};
extern Thread current;

// In which order blocks and threads run: 0 as they are numbered, 1 backwards,
// anything else shuffled by this seed.
void set_order(unsigned seed);

// Runs body for every thread of the grid. False where the numbers of blocks,
// threads or bytes are more than a GPU takes.
bool run(dim3 grid, unsigned threads, size_t shared, const std::function<void()> &body);

void *shared_memory();
void block_barrier();

// Every lane of the warp gives 32 bytes at most and gets those of all lanes.
// The memory is good until the warp's next exchange but one.
constexpr size_t kExchange = 32;
const unsigned char *exchange(const void *value, size_t bytes);

// Copies that are made at the wait, as late as the hardware may make them, or,
// where threads run backwards, at once.
void copy_later(void *to, const void *from, size_t bytes, size_t valid);
void commit_copies();
void wait_for_copies(size_t pending);

template <typename T>
T lane_value(T value, unsigned lane) {
  static_assert(sizeof(T) <= kExchange);
  const unsigned char *all = exchange(&value, sizeof value);
  std::memcpy(&value, all + lane * kExchange, sizeof value);
  return value;
}

}  // namespace emulator

#define blockIdx (emulator::current.block)
#define threadIdx (emulator::current.thread)
#define gridDim (emulator::current.grid)
#define blockDim (emulator::current.threads)

inline void __syncthreads() { emulator::block_barrier(); }
inline void __syncwarp() { emulator::exchange(nullptr, 0); }

template <typename T>
T __shfl_xor_sync(uint32_t, T value, int mask) {
  return emulator::lane_value(value, (threadIdx.x % 32) ^ static_cast<unsigned>(mask));
}
template <typename T>
T __shfl_sync(uint32_t, T value, int lane) {
  return emulator::lane_value(value, static_cast<unsigned>(lane));
}
