/* The C interface of gopet's CUDA kernels, libgopet_cuda.so.
 *
 * Pointers are to device memory unless a comment says host. Matrices are
 * row-major and dense, except where a stride (in elements) is given. dtype is
 * that of the tensors whose comment names no other; sums are always float32
 * and run in an order that depends on the sizes alone: same inputs, same bits.
 *
 * A function enqueues its work on `stream` (a cudaStream_t), never waits, never
 * allocates, and returns a cudaError_t; gk_error_text says it in words. So all
 * of them can be captured in a CUDA graph; the numbers that change between its
 * replays are read from device memory. Scratch memory comes from the caller:
 * gk_*_workspace says how many bytes, and nothing needs to be kept in it
 * afterwards.
 */
#ifndef GOPET_KERNELS_H
#define GOPET_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define GK_NOEXCEPT noexcept
extern "C" {
#else
#define GK_NOEXCEPT
#endif

#pragma GCC visibility push(default) /* all else in the library is hidden */

/* The numbers are those of c10::ScalarType. */
enum { GK_FLOAT16 = 5, GK_FLOAT32 = 6, GK_BFLOAT16 = 15 };

const char *gk_error_text(int error) GK_NOEXCEPT;

/* current_device.cu: where memory lies, as c10::DeviceType numbers it: 1 for
 * CUDA, 0 in the kernels' build for the CPU; and the compute capability of the
 * device that calls are for.
 */
int32_t gk_device_type(void) GK_NOEXCEPT;
int gk_compute_capability(int32_t *major, int32_t *minor) GK_NOEXCEPT;

/* masked_plan.cc, masked_choice.cc, masked_sampled.cu, masked_product.cu: k
 * entries of a weight's gradient dy^T x, where dy is [tokens, out] and x is
 * [tokens, in].
 */
enum {
  GK_SAMPLED = 0, /* one dot product an entry: few entries */
  GK_PRODUCT = 1, /* whole tiles, of which the entries are kept: many */
};

/* Which entries each block computes. It is made once for a mask. */
typedef struct {
  int64_t k, out, in;
  int32_t method;
  int32_t tiles;  /* blocks that one pass over the tokens takes */
  int64_t groups; /* GK_SAMPLED: groups of 16 columns that all tiles read together */
  int64_t n;
  int32_t *words; /* host memory; the n words that the kernel reads from device memory */
} gk_masked_plan;

/* index (host) holds k ascending, distinct, flat positions in [out, in]. An
 * index that is not so is cudaErrorInvalidValue. words is gk_masked_plan_free's.
 */
int gk_masked_plan_make(gk_masked_plan *plan, const int64_t *index, int64_t k, int64_t out,
                        int64_t in, int32_t method) GK_NOEXCEPT;
void gk_masked_plan_free(gk_masked_plan *plan) GK_NOEXCEPT;

/* The cheaper method on a device of this compute capability, by measured
 * crossovers where there are any, else by a model of bytes and operations.
 */
int gk_masked_choose(int32_t *method, const int64_t *index, int64_t k, int64_t out, int64_t in,
                     int64_t tokens, int32_t dtype, int32_t major, int32_t minor) GK_NOEXCEPT;

/* words is a device copy of plan->words. gradient is float32 [k], in the order
 * of the index.
 */
int64_t gk_masked_gradient_workspace(const gk_masked_plan *plan, int64_t tokens) GK_NOEXCEPT;
int gk_masked_gradient(const gk_masked_plan *plan, const int32_t *words, int32_t dtype,
                       const void *dy, int64_t dy_stride, const void *x, int64_t x_stride,
                       int64_t tokens, float *gradient, void *workspace, void *stream) GK_NOEXCEPT;

/* adamw.cu: one step over all tensors, as gt_adamw does it: clip to a global
 * norm, leave everything alone if that norm is not finite, torch's fused AdamW
 * on float32 values, and write them through to the weights.
 */
typedef struct {
  const void *gradient; /* [count] of gradient_dtype; null: all zeros */
  float *value, *exp_avg, *exp_avg_sq;
  void *weight;         /* null: nothing to write through to */
  const int64_t *index; /* where value[i] goes in the weight; null: weight[i] */
  int64_t count;
  double weight_decay;
  int32_t gradient_dtype, weight_dtype;
} gk_adamw_tensor;

typedef struct {
  double beta1, beta2, eps;
  double max_norm; /* 0: no clipping */
} gk_adamw_options;

/* Lies in device memory. The caller writes lr (and step, when it resumes). */
typedef struct {
  double lr;
  int64_t step;    /* updates made so far; a step that is not skipped adds one */
  double norm;     /* of the last step's gradients, before clipping */
  int32_t skipped; /* 1 if that norm was not finite and nothing was changed */
} gk_adamw_state;

/* What each block updates: gk_adamw_plan_size bytes that gk_adamw_plan_make
 * fills in host memory from n tensors (host), for the caller to copy to the
 * device. It holds the tensors' pointers, so it is made anew when one moves.
 */
int64_t gk_adamw_plan_size(const gk_adamw_tensor *tensors, int64_t n) GK_NOEXCEPT;
int gk_adamw_plan_make(void *plan, const gk_adamw_tensor *tensors, int64_t n) GK_NOEXCEPT;
int64_t gk_adamw_workspace(const gk_adamw_tensor *tensors, int64_t n) GK_NOEXCEPT;
int gk_adamw(const void *plan, const gk_adamw_tensor *tensors, int64_t n,
             const gk_adamw_options *options, gk_adamw_state *state, void *workspace,
             void *stream) GK_NOEXCEPT;

/* norm.cu: y = norm(x + residual) * weight + bias over the last dimension. */
typedef struct {
  int32_t dtype, weight_dtype;
  int32_t rms; /* 1: root mean square, no mean and no bias (T5); 0: layer norm */
  int64_t rows, width;
  double eps;
  const void *x;
  const void *residual; /* null: none */
  const void *weight;
  const void *bias; /* null: none */
  void *sum; /* x + residual, rounded to dtype; null: not wanted. y is made of the rounded sum */
  void *y;
  float *mean, *rstd; /* [rows], for the backward pass; null: not wanted. RMS has no mean */
} gk_norm;

typedef struct {
  int32_t dtype, weight_dtype;
  int32_t rms;
  int64_t rows, width;
  const void *dy;
  const void *dsum; /* the gradient that reaches x + residual past the norm; null: none */
  const void *sum;  /* what was normalised */
  const void *weight;
  const float *mean, *rstd;
  void *dx; /* the gradient of x + residual; may lie over dy or dsum; null: not wanted */
  float *dweight, *dbias; /* [width]; null: not wanted */
  void *workspace;
} gk_norm_gradient;

int gk_norm_forward(const gk_norm *a, void *stream) GK_NOEXCEPT;
int64_t gk_norm_workspace(int64_t rows, int64_t width) GK_NOEXCEPT;
int gk_norm_backward(const gk_norm_gradient *a, void *stream) GK_NOEXCEPT;

/* activation.cu. GELU is the exact one, by erf; GELU_TANH its approximation. */
enum { GK_GELU = 0, GK_GELU_TANH = 1, GK_SILU = 2, GK_RELU = 3 };

/* y = act(x + bias); bias [width] may be null. */
int gk_bias_activation(int32_t dtype, int32_t act, int64_t rows, int64_t width, const void *x,
                       const void *bias, void *y, void *stream) GK_NOEXCEPT;
/* dx may be dy's own memory; dbias, float32 [width], may be null. */
int64_t gk_bias_activation_workspace(int64_t rows, int64_t width) GK_NOEXCEPT;
int gk_bias_activation_backward(int32_t dtype, int32_t act, int64_t rows, int64_t width,
                                const void *dy, const void *x, const void *bias, void *dx,
                                float *dbias, void *workspace, void *stream) GK_NOEXCEPT;

/* y = act(gate) * x, n elements. */
int gk_gated_activation(int32_t dtype, int32_t act, int64_t n, const void *gate, const void *x,
                        void *y, void *stream) GK_NOEXCEPT;
/* dgate and dx may be gate's and x's own memory. */
int gk_gated_activation_backward(int32_t dtype, int32_t act, int64_t n, const void *dy,
                                 const void *gate, const void *x, void *dgate, void *dx,
                                 void *stream) GK_NOEXCEPT;

/* cross_entropy.cu. A row whose target is -100 counts for nothing; one whose
 * target is no class has the loss NaN.
 */
typedef struct {
  int32_t dtype;
  int64_t rows, classes, stride; /* stride: elements from row to row */
  const void *logits;
  const int64_t *targets; /* [rows] */
  const float *weights;   /* [classes]; null: all one */
  float *losses;          /* [rows], weighted */
  float *logsumexp;       /* [rows], for the backward pass */
  float *totals; /* [3]: the sum of the losses, of their weights, the mean; null: not wanted */
} gk_cross_entropy;

int gk_cross_entropy_forward(const gk_cross_entropy *a, void *stream) GK_NOEXCEPT;
/* Writes the gradient over the logits: that of the sum of the losses times
 * scale[0] / divisor[0]. divisor may be null; &totals[1] makes it the mean's.
 */
int gk_cross_entropy_backward(const gk_cross_entropy *a, void *logits, const float *scale,
                              const float *divisor, void *stream) GK_NOEXCEPT;

/* attention.cu: softmax(scale q k^T + bias) v of packed sequences. Sequence s
 * has the queries cu_q[s] to cu_q[s+1] - 1 and the keys cu_k[s] to
 * cu_k[s+1] - 1. Head h of a token lies head_dim * h after its start.
 */
typedef struct {
  int32_t dtype;
  int32_t heads, head_dim; /* head_dim: 32, 64 or 128 */
  int32_t sequences;
  int32_t causal; /* 1: a query sees keys up to its own position */
  float scale;
  int64_t queries, keys;         /* of all sequences together */
  int64_t max_queries, max_keys; /* of the longest sequence */
  const int32_t *cu_q, *cu_k;    /* [sequences + 1] */
  const void *q, *k, *v;
  int64_t q_stride, k_stride, v_stride; /* elements from token to token */
  /* The bias of key position j for query position i is table[h, j - i + offset];
   * what lies beyond the table's ends takes the entry at the end. null: none. */
  const float *table; /* [heads, distances] */
  int64_t distances, offset;
  void *out;        /* [queries, heads * head_dim] */
  float *logsumexp; /* [heads, queries], for the backward pass; null: not wanted */
} gk_attention;

typedef struct {
  const void *dout;   /* like out */
  void *dq, *dk, *dv; /* with q's, k's and v's strides */
  float *dtable;      /* [heads, distances]; null: not wanted */
  void *workspace;
} gk_attention_gradient;

int gk_attention_forward(const gk_attention *a, void *stream) GK_NOEXCEPT;
int64_t gk_attention_workspace(const gk_attention *a) GK_NOEXCEPT;
int gk_attention_backward(const gk_attention *a, const gk_attention_gradient *g,
                          void *stream) GK_NOEXCEPT;

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* GOPET_KERNELS_H */
