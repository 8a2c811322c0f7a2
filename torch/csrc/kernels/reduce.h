// Sums and maxima over the threads of a warp and of a block, in a fixed order.
#pragma once

#include "device.h"

namespace gopet {

struct Add {
  template <typename V>
  __device__ V operator()(V a, V b) const {
    return a + b;
  }
};
struct Max {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

// Every lane gets the result of lanes whose numbers differ in the bits below `lanes`.
template <int lanes = kWarp, typename V, typename F>
__device__ inline V warp_reduce(V x, F f) {
#pragma unroll
  for (int mask = lanes / 2; mask > 0; mask /= 2) x = f(x, __shfl_xor_sync(kAllLanes, x, mask));
  return x;
}

template <int lanes = kWarp>
__device__ inline float warp_sum(float x) {
  return warp_reduce<lanes>(x, Add{});
}

template <int lanes = kWarp>
__device__ inline float warp_max(float x) {
  return warp_reduce<lanes>(x, Max{});
}

// Every thread gets the result. scratch is shared memory for kWarp values; it
// may be used again at once.
template <typename V, typename F>
__device__ inline V block_reduce(V x, F f, V *scratch) {
  int warp = threadIdx.x / kWarp, warps = blockDim.x / kWarp;
  x = warp_reduce(x, f);
  if (threadIdx.x % kWarp == 0) scratch[warp] = x;
  __syncthreads();
  x = scratch[0];
  for (int w = 1; w < warps; w++) x = f(x, scratch[w]);
  __syncthreads();
  return x;
}

template <typename V>
__device__ inline V block_sum(V x, V *scratch) {
  return block_reduce(x, Add{}, scratch);
}

}  // namespace gopet
