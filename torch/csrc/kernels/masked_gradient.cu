// The masked gradient: one of the two kernels over chunks of the tokens, then
// the sum over the chunks, in their order.
#include "masked.h"

namespace gopet {
namespace {

constexpr int kThreads = 256;

__global__ void add_chunks(const float *partial, int64_t chunks, ChunkSums sums) {
  int64_t entry = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (entry >= sums.k) return;
  float sum = 0;
  for (int64_t c = 0; c < chunks; c++) sum += partial[c * sums.k + entry];
  sums.gradient[sums.index[entry]] = sum;
}

}  // namespace
}  // namespace gopet

using namespace gopet;

int64_t gk_masked_gradient_workspace(const gk_masked_plan *plan, int64_t tokens) noexcept {
  int64_t chunks = token_chunks(*plan, tokens).count;
  return chunks == 1 ? 0 : chunks * plan->k * static_cast<int64_t>(sizeof(float));
}

int gk_masked_gradient(const gk_masked_plan *plan, const int32_t *words, int32_t dtype,
                       const void *dy, int64_t dy_stride, const void *x, int64_t x_stride,
                       int64_t tokens, float *gradient, void *workspace, void *stream) noexcept {
  const int32_t *index = words + (plan->n - 2 * plan->k);
  TokenChunks chunks = token_chunks(*plan, tokens);
  ChunkSums sums{static_cast<float *>(workspace), gradient, index, plan->k};
  MaskedGradient a{
      plan, words, {index, index + plan->k}, dtype, dy, x, dy_stride, x_stride, tokens, chunks,
      sums, stream};
  int error = plan->method == GK_SAMPLED ? masked_sampled(a) : masked_product(a);
  if (error != cudaSuccess || chunks.count == 1) return error;
  return launch(add_chunks, dim3(static_cast<unsigned>(divide_up(plan->k, kThreads))), kThreads, 0,
                stream, static_cast<const float *>(sums.partial), chunks.count, sums);
}
