// AdamW over all tensors in one launch, after two that compute the gradients'
// norm and decide what the step does. Nothing waits for the host.
#include "device.h"
#include "reduce.h"

namespace gopet {
namespace {

constexpr int kThreads = 256, kNormThreads = 1024;
constexpr int64_t kChunkElements = 8192;

// What one block works on: a chunk of a tensor.
struct Chunk {
  int32_t tensor, number;
};

// The plan: the tensors, then the chunks.
struct Plan {
  const gk_adamw_tensor *tensors;
  const Chunk *chunks;
};

Plan plan_at(const void *memory, int64_t n) {
  auto tensors = static_cast<const gk_adamw_tensor *>(memory);
  return {tensors, reinterpret_cast<const Chunk *>(tensors + n)};
}

int64_t count_chunks(const gk_adamw_tensor *tensors, int64_t n) {
  int64_t chunks = 0;
  for (int64_t i = 0; i < n; i++) chunks += divide_up(tensors[i].count, kChunkElements);
  return chunks;
}

// The numbers of a step that all blocks share.
struct Step {
  float clip;  // what gradients are multiplied by
  float lr, step_size, root_bias_correction2;
  int32_t skipped;
};

// The elements of a block's chunk.
struct Span {
  int64_t begin, end;
  __device__ Span(Chunk chunk, int64_t count)
      : begin(chunk.number * kChunkElements), end(smaller(begin + kChunkElements, count)) {}
};

__device__ float element(const void *values, int32_t dtype, int64_t i) {
  switch (dtype) {
    case GK_FLOAT16:
      return to_float(static_cast<const __half *>(values)[i]);
    case GK_BFLOAT16:
      return to_float(static_cast<const __nv_bfloat16 *>(values)[i]);
    default:
      return static_cast<const float *>(values)[i];
  }
}

__device__ void set_element(void *values, int32_t dtype, int64_t i, float value) {
  switch (dtype) {
    case GK_FLOAT16:
      static_cast<__half *>(values)[i] = from_float<__half>(value);
      break;
    case GK_BFLOAT16:
      static_cast<__nv_bfloat16 *>(values)[i] = from_float<__nv_bfloat16>(value);
      break;
    default:
      static_cast<float *>(values)[i] = value;
  }
}

__global__ void sum_squares(Plan plan, float *partial) {
  float *scratch = reinterpret_cast<float *>(shared_memory());
  Chunk chunk = plan.chunks[blockIdx.x];
  const gk_adamw_tensor &t = plan.tensors[chunk.tensor];
  float sum = 0;
  if (t.gradient != nullptr) {
    Span span(chunk, t.count);
#pragma unroll 4
    for (int64_t i = span.begin + threadIdx.x; i < span.end; i += kThreads) {
      float g = element(t.gradient, t.gradient_dtype, i);
      sum += g * g;
    }
  }
  sum = block_sum(sum, scratch);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

__global__ void decide(const float *partial, int64_t chunks, gk_adamw_options o,
                       gk_adamw_state *state, Step *step) {
  double *scratch = reinterpret_cast<double *>(shared_memory());
  double sum = 0;
  for (int64_t i = threadIdx.x; i < chunks; i += kNormThreads) sum += double{partial[i]};
  sum = block_sum(sum, scratch);
  if (threadIdx.x != 0) return;
  double norm = sqrt(sum);
  state->norm = norm;
  state->skipped = step->skipped = !(norm <= 1.7976931348623157e308);  // infinite, or not a number
  if (state->skipped) return;
  state->step++;
  // As torch.nn.utils.clip_grad_norm_ scales.
  double clip = o.max_norm > 0 ? o.max_norm / (norm + 1e-6) : 1;
  step->clip = static_cast<float>(clip < 1 ? clip : 1);
  double updates = static_cast<double>(state->step);
  step->lr = static_cast<float>(state->lr);
  // Of the float32 betas that the moments are made with.
  double beta1 = static_cast<float>(o.beta1), beta2 = static_cast<float>(o.beta2);
  step->step_size = static_cast<float>(state->lr / (1 - pow(beta1, updates)));
  step->root_bias_correction2 = static_cast<float>(sqrt(1 - pow(beta2, updates)));
}

__global__ void update(Plan plan, gk_adamw_options o, const Step *shared_step) {
  Step step = *shared_step;
  if (step.skipped) return;
  Chunk chunk = plan.chunks[blockIdx.x];
  const gk_adamw_tensor t = plan.tensors[chunk.tensor];
  float beta1 = static_cast<float>(o.beta1), beta2 = static_cast<float>(o.beta2);
  float eps = static_cast<float>(o.eps);
  float decay = step.lr * static_cast<float>(t.weight_decay);
  Span span(chunk, t.count);
#pragma unroll 4
  for (int64_t i = span.begin + threadIdx.x; i < span.end; i += kThreads) {
    float g = t.gradient == nullptr ? 0 : element(t.gradient, t.gradient_dtype, i) * step.clip;
    float value = t.value[i];
    value -= decay * value;
    float average = fmaf(beta1, t.exp_avg[i], fmaf(-beta1, g, g));
    float square = fmaf(beta2, t.exp_avg_sq[i], fmaf(-beta2, g * g, g * g));
    value -= step.step_size * average / (sqrtf(square) / step.root_bias_correction2 + eps);
    t.value[i] = value;
    t.exp_avg[i] = average;
    t.exp_avg_sq[i] = square;
    if (t.weight != nullptr) {
      set_element(t.weight, t.weight_dtype, t.index != nullptr ? t.index[i] : i, value);
    }
  }
}

}  // namespace
}  // namespace gopet

using namespace gopet;

int64_t gk_adamw_plan_size(const gk_adamw_tensor *tensors, int64_t n) noexcept {
  return n * static_cast<int64_t>(sizeof(gk_adamw_tensor)) +
         count_chunks(tensors, n) * static_cast<int64_t>(sizeof(Chunk));
}

int gk_adamw_plan_make(void *memory, const gk_adamw_tensor *tensors, int64_t n) noexcept {
  for (int64_t i = 0; i < n; i++) {
    const gk_adamw_tensor &t = tensors[i];
    auto known = [](int32_t dtype) {
      return with_type(dtype, [](auto) { return cudaSuccess; }) == cudaSuccess;
    };
    if (t.count < 0 || (t.gradient != nullptr && !known(t.gradient_dtype)) ||
        (t.weight != nullptr && !known(t.weight_dtype))) {
      return cudaErrorInvalidValue;
    }
  }
  if (n > 0) std::memcpy(memory, tensors, static_cast<size_t>(n) * sizeof(gk_adamw_tensor));
  auto chunk = const_cast<Chunk *>(plan_at(memory, n).chunks);
  for (int64_t i = 0; i < n; i++) {
    for (int64_t c = 0; c * kChunkElements < tensors[i].count; c++)
      *chunk++ = {static_cast<int32_t>(i), static_cast<int32_t>(c)};
  }
  return cudaSuccess;
}

int64_t gk_adamw_workspace(const gk_adamw_tensor *tensors, int64_t n) noexcept {
  return static_cast<int64_t>(sizeof(Step)) +
         count_chunks(tensors, n) * static_cast<int64_t>(sizeof(float));
}

int gk_adamw(const void *memory, const gk_adamw_tensor *tensors, int64_t n,
             const gk_adamw_options *options, gk_adamw_state *state, void *workspace,
             void *stream) noexcept {
  Plan plan = plan_at(memory, n);
  int64_t chunks = count_chunks(tensors, n);
  auto step = static_cast<Step *>(workspace);
  auto partial = reinterpret_cast<float *>(step + 1);
  dim3 grid(static_cast<unsigned>(chunks));
  int error = launch(sum_squares, grid, kThreads, kWarp * sizeof(float), stream, plan, partial);
  if (error != cudaSuccess) return error;
  error = launch(decide, dim3(1), kNormThreads, kWarp * sizeof(double), stream,
                 static_cast<const float *>(partial), chunks, *options, state, step);
  if (error != cudaSuccess) return error;
  return launch(update, grid, kThreads, 0, stream, plan, *options, static_cast<const Step *>(step));
}
