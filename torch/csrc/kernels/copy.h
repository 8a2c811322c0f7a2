// Copies from global to shared memory that go on while the block computes
// (cp.async): begun with copy_chunk, closed into groups, and waited for.
#pragma once

#include "device.h"

namespace gopet {

template <typename T>
constexpr int kChunk = 16 / sizeof(T);

__device__ inline void copy_16_bytes(void *to, const void *from, int valid) {
#if defined(__CUDACC__)
  uint32_t shared = static_cast<uint32_t>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared), "l"(from), "r"(valid)
               : "memory");
#else
  emulator::copy_later(to, from, 16, static_cast<size_t>(valid));
#endif
}

// Begins to copy kChunk elements from base + offset; those from `valid` on become
// zeros, and memory that would hold them is not touched. Without `wide`, addresses
// need no alignment, and the copy is made at once.
template <typename T, bool wide>
__device__ inline void copy_chunk(T *to, const T *base, int64_t offset, int64_t valid) {
  int n = static_cast<int>(smaller(larger(valid, 0), kChunk<T>));
  const T *from = n > 0 ? base + offset : base;
  if constexpr (wide) {
    copy_16_bytes(to, from, n * static_cast<int>(sizeof(T)));
  } else {
    for (int i = 0; i < kChunk<T>; i++) to[i] = i < n ? from[i] : from_float<T>(0);
  }
}

__device__ inline void close_copies() {
#if defined(__CUDACC__)
  asm volatile("cp.async.commit_group;" ::: "memory");
#else
  emulator::commit_copies();
#endif
}

// Waits until all but the last `pending` groups of this thread are there. A
// barrier must follow before other threads read them.
template <int pending>
__device__ inline void wait_for_copies() {
#if defined(__CUDACC__)
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
#else
  emulator::wait_for_copies(pending);
#endif
}

}  // namespace gopet
