/* The C interface of gopet to libtorch.
 *
 * Every function is noexcept and returns its error in the same call: kind
 * GT_OK, or a kind and a message that the caller frees with gt_free. Outputs
 * come first; lists are a pointer and a length; an absent optional tensor is
 * 0. A gt_tensor owns one reference to an at::Tensor until gt_tensor_free.
 *
 * `mode` is a set of GT_MODE_* bits. libtorch keeps such modes per OS thread
 * and Go moves goroutines between threads, so each call carries its own.
 */
#ifndef GOPET_TORCH_H
#define GOPET_TORCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define GT_NOEXCEPT noexcept
extern "C" {
#else
#define GT_NOEXCEPT
#endif

/* An integer, not a pointer: Go may then keep it inside its own objects. */
typedef uintptr_t gt_tensor;

enum {
  GT_OK = 0,
  GT_ERROR_OUT_OF_MEMORY = 1,
  GT_ERROR_INDEX = 2,
  GT_ERROR_VALUE = 3, /* shapes, dtypes, arguments */
  GT_ERROR_NOT_IMPLEMENTED = 4,
  GT_ERROR_DEVICE = 5,
  GT_ERROR_UNKNOWN = 6,
};

enum { GT_MODE_NO_GRAD = 1 };

typedef struct {
  int32_t kind;
  char *message; /* NULL when kind is GT_OK */
} gt_error;

void gt_free(void *p) GT_NOEXCEPT;

/* runtime.cc: the process. */
const char *gt_libtorch_version(void) GT_NOEXCEPT;
const char *gt_build_config(void) GT_NOEXCEPT; /* at::show_config; the caller frees it */
const char *gt_cpu_capability(void) GT_NOEXCEPT;
int64_t gt_live_tensors(void) GT_NOEXCEPT;
void gt_set_num_threads(int32_t n) GT_NOEXCEPT;
int32_t gt_num_threads(void) GT_NOEXCEPT;
gt_error gt_manual_seed(uint64_t seed) GT_NOEXCEPT;
gt_error gt_rng_state(gt_tensor *out) GT_NOEXCEPT;
gt_error gt_set_rng_state(gt_tensor state) GT_NOEXCEPT;
/* Loads the CUDA libraries if they are there; an error says what is missing. */
gt_error gt_cuda_device_count(int32_t *out) GT_NOEXCEPT;
/* Loads gopet's own CUDA kernels; an error says why libtorch's operations are
 * composed in their place. */
gt_error gt_cuda_kernels(void) GT_NOEXCEPT;
gt_error gt_synchronize(int32_t device) GT_NOEXCEPT;
/* Bytes of a CUDA device that tensors have now, and the most they had since the last reset. */
gt_error gt_device_memory(int64_t *now, int64_t *peak, int32_t device) GT_NOEXCEPT;
gt_error gt_reset_device_peak(int32_t device) GT_NOEXCEPT;

/* cpu_allocator.cc: gives memory that is kept for tensors to come, on the
 * CPU, back to the system. */
void gt_empty_cache(void) GT_NOEXCEPT;

/* tensor.cc: creation, life, properties, copies. dtype is a c10::ScalarType;
 * device is GT_DEVICE_CPU, GT_DEVICE_META or the number of a CUDA device. */
#define GT_DEVICE_CPU (-1)
#define GT_DEVICE_META (-2)
gt_error gt_empty(gt_tensor *out, const int64_t *shape, size_t ndim, int32_t dtype,
                  int32_t device) GT_NOEXCEPT;
gt_error gt_full(gt_tensor *out, const int64_t *shape, size_t ndim, int32_t dtype, int32_t device,
                 double value) GT_NOEXCEPT;
gt_error gt_arange(gt_tensor *out, int64_t n, int32_t dtype, int32_t device) GT_NOEXCEPT;
gt_error gt_normal(gt_tensor *out, const int64_t *shape, size_t ndim, int32_t dtype, int32_t device,
                   double mean, double std, uint64_t seed) GT_NOEXCEPT;
void gt_tensor_free(const gt_tensor *tensors, size_t n) GT_NOEXCEPT;
gt_error gt_alias(gt_tensor *out, gt_tensor a) GT_NOEXCEPT;
gt_error gt_ndim(int64_t *out, gt_tensor a) GT_NOEXCEPT;
gt_error gt_shape(int64_t *out, size_t ndim, gt_tensor a) GT_NOEXCEPT;
gt_error gt_dtype(int32_t *out, gt_tensor a) GT_NOEXCEPT;
gt_error gt_device(int32_t *out, gt_tensor a) GT_NOEXCEPT;
gt_error gt_is_contiguous(int32_t *out, gt_tensor a) GT_NOEXCEPT;
/* Address of the first element; only for contiguous tensors on the CPU. */
gt_error gt_data(void **out, gt_tensor a) GT_NOEXCEPT;
gt_error gt_item(double *out, gt_tensor a) GT_NOEXCEPT;
gt_error gt_to(gt_tensor *out, int32_t mode, gt_tensor a, int32_t dtype,
               int32_t device) GT_NOEXCEPT;
gt_error gt_clone(gt_tensor *out, int32_t mode, gt_tensor a) GT_NOEXCEPT;
gt_error gt_copy_(gt_tensor dst, gt_tensor src) GT_NOEXCEPT;
gt_error gt_fill_(gt_tensor a, double value) GT_NOEXCEPT;

/* math.cc: element by element, reductions, products. */
#define GT_UNARY(name) gt_error gt_##name(gt_tensor *out, int32_t mode, gt_tensor a) GT_NOEXCEPT
#define GT_BINARY(name) \
  gt_error gt_##name(gt_tensor *out, int32_t mode, gt_tensor a, gt_tensor b) GT_NOEXCEPT
#define GT_SCALAR(name) \
  gt_error gt_##name(gt_tensor *out, int32_t mode, gt_tensor a, double b) GT_NOEXCEPT
#define GT_DIM(name) \
  gt_error gt_##name(gt_tensor *out, int32_t mode, gt_tensor a, int64_t dim) GT_NOEXCEPT
GT_UNARY(neg);
GT_UNARY(abs);
GT_UNARY(exp);
GT_UNARY(log);
GT_UNARY(sqrt);
GT_UNARY(rsqrt);
GT_UNARY(tanh);
GT_UNARY(sigmoid);
GT_UNARY(relu);
GT_UNARY(silu);
GT_UNARY(isfinite);
GT_UNARY(logical_not);
GT_BINARY(add);
GT_BINARY(sub);
GT_BINARY(mul);
GT_BINARY(div);
GT_BINARY(matmul);
GT_BINARY(eq);
GT_BINARY(ne);
GT_BINARY(lt);
GT_BINARY(gt);
GT_BINARY(maximum);
GT_BINARY(minimum);
GT_SCALAR(add_scalar);
GT_SCALAR(mul_scalar);
GT_SCALAR(pow_scalar);
GT_SCALAR(eq_scalar);
GT_SCALAR(lt_scalar);
GT_SCALAR(gt_scalar);
GT_UNARY(sum);
GT_UNARY(mean);
GT_UNARY(max);
GT_UNARY(min);
GT_UNARY(norm);
gt_error gt_sum_dim(gt_tensor *out, int32_t mode, gt_tensor a, const int64_t *dims, size_t n,
                    int32_t keep) GT_NOEXCEPT;
gt_error gt_mean_dim(gt_tensor *out, int32_t mode, gt_tensor a, const int64_t *dims, size_t n,
                     int32_t keep) GT_NOEXCEPT;
gt_error gt_amax(gt_tensor *out, int32_t mode, gt_tensor a, const int64_t *dims, size_t n,
                 int32_t keep) GT_NOEXCEPT;
GT_DIM(argmax);
GT_DIM(softmax);
GT_DIM(log_softmax);
/* The k largest along dim, in descending order, and their indices (int64). */
gt_error gt_topk(gt_tensor *values, gt_tensor *indices, int32_t mode, gt_tensor a, int64_t k,
                 int64_t dim) GT_NOEXCEPT;
gt_error gt_where(gt_tensor *out, int32_t mode, gt_tensor condition, gt_tensor a,
                  gt_tensor b) GT_NOEXCEPT;
gt_error gt_masked_fill(gt_tensor *out, int32_t mode, gt_tensor a, gt_tensor mask,
                        double value) GT_NOEXCEPT;
gt_error gt_all_close(int32_t *out, gt_tensor a, gt_tensor b, double rtol, double atol) GT_NOEXCEPT;
gt_error gt_equal(int32_t *out, gt_tensor a, gt_tensor b) GT_NOEXCEPT;

/* shape.cc: views, joins, selections. */
gt_error gt_reshape(gt_tensor *out, int32_t mode, gt_tensor a, const int64_t *shape,
                    size_t ndim) GT_NOEXCEPT;
gt_error gt_expand(gt_tensor *out, int32_t mode, gt_tensor a, const int64_t *shape,
                   size_t ndim) GT_NOEXCEPT;
gt_error gt_permute(gt_tensor *out, int32_t mode, gt_tensor a, const int64_t *dims,
                    size_t ndim) GT_NOEXCEPT;
gt_error gt_transpose(gt_tensor *out, int32_t mode, gt_tensor a, int64_t d0,
                      int64_t d1) GT_NOEXCEPT;
GT_DIM(unsqueeze);
GT_DIM(squeeze);
GT_UNARY(contiguous);
GT_UNARY(detach);
gt_error gt_narrow(gt_tensor *out, int32_t mode, gt_tensor a, int64_t dim, int64_t start,
                   int64_t length) GT_NOEXCEPT;
gt_error gt_select(gt_tensor *out, int32_t mode, gt_tensor a, int64_t dim,
                   int64_t index) GT_NOEXCEPT;
gt_error gt_index_select(gt_tensor *out, int32_t mode, gt_tensor a, int64_t dim,
                         gt_tensor index) GT_NOEXCEPT;
gt_error gt_gather(gt_tensor *out, int32_t mode, gt_tensor a, int64_t dim,
                   gt_tensor index) GT_NOEXCEPT;
gt_error gt_cat(gt_tensor *out, int32_t mode, const gt_tensor *tensors, size_t n,
                int64_t dim) GT_NOEXCEPT;
gt_error gt_stack(gt_tensor *out, int32_t mode, const gt_tensor *tensors, size_t n,
                  int64_t dim) GT_NOEXCEPT;

/* nn.cc: the operations of layers and losses. */
gt_error gt_linear(gt_tensor *out, int32_t mode, gt_tensor x, gt_tensor weight,
                   gt_tensor bias) GT_NOEXCEPT;
gt_error gt_embedding(gt_tensor *out, int32_t mode, gt_tensor weight, gt_tensor ids) GT_NOEXCEPT;
gt_error gt_dropout(gt_tensor *out, int32_t mode, gt_tensor a, double p) GT_NOEXCEPT;
gt_error gt_attention(gt_tensor *out, int32_t mode, gt_tensor q, gt_tensor k, gt_tensor v,
                      gt_tensor mask, double dropout, int32_t causal, double scale) GT_NOEXCEPT;
/* reduction: 0 none, 1 mean (weighted by class), 2 sum. */
gt_error gt_cross_entropy(gt_tensor *out, int32_t mode, gt_tensor logits, gt_tensor targets,
                          gt_tensor class_weights, int32_t reduction) GT_NOEXCEPT;

/* autograd.cc */
gt_error gt_set_requires_grad(gt_tensor a, int32_t on) GT_NOEXCEPT;
gt_error gt_requires_grad(int32_t *out, gt_tensor a) GT_NOEXCEPT;
gt_error gt_backward(gt_tensor loss, gt_tensor gradient) GT_NOEXCEPT;
/* The gradient that backward left, or 0 when there is none. */
gt_error gt_grad(gt_tensor *out, gt_tensor a) GT_NOEXCEPT;
gt_error gt_clear_grads(const gt_tensor *tensors, size_t n) GT_NOEXCEPT;

/* masked.cc: operations whose weight is frozen but for the k entries at
 * `index` (flat positions, int64, ascending). `values` is the float leaf that
 * receives their gradient; the weight already holds the current values. */
gt_error gt_masked_linear(gt_tensor *out, int32_t mode, gt_tensor x, gt_tensor weight,
                          gt_tensor bias, gt_tensor values, gt_tensor index) GT_NOEXCEPT;
gt_error gt_masked_embedding(gt_tensor *out, int32_t mode, gt_tensor weight, gt_tensor ids,
                             gt_tensor values, gt_tensor index) GT_NOEXCEPT;
gt_error gt_masked_parameter(gt_tensor *out, int32_t mode, gt_tensor weight, gt_tensor values,
                             gt_tensor index) GT_NOEXCEPT;
/* The k entries of dy^T x, dy [tokens, out], x [tokens, in]. */
gt_error gt_masked_gradient(gt_tensor *out, gt_tensor dy, gt_tensor x, gt_tensor index) GT_NOEXCEPT;
gt_error gt_take(gt_tensor *out, gt_tensor weight, gt_tensor index) GT_NOEXCEPT;
gt_error gt_put_(gt_tensor weight, gt_tensor index, gt_tensor values) GT_NOEXCEPT;

/* low_rank.cc: gt_linear plus scale (x a^T) b^T, for
 * a [rank, in] and b [out, rank]. */
gt_error gt_low_rank_linear(gt_tensor *out, int32_t mode, gt_tensor x, gt_tensor weight,
                            gt_tensor bias, gt_tensor a, gt_tensor b, double scale) GT_NOEXCEPT;

/* activation.cc; activations have the numbers of gt_fused_linear_options. */
gt_error gt_gelu(gt_tensor *out, int32_t mode, gt_tensor a, int32_t tanh_approximation) GT_NOEXCEPT;
gt_error gt_gated_activation(gt_tensor *out, int32_t mode, gt_tensor gate, gt_tensor x,
                             int32_t activation) GT_NOEXCEPT; /* act(gate) x */

/* packed_linear.cc: gt_linear without bias or gradients, by oneDNN, with a
 * weight that was packed for about so many rows of x. */
gt_error gt_pack_linear(gt_tensor *out, gt_tensor weight, int64_t rows) GT_NOEXCEPT;
gt_error gt_packed_linear(gt_tensor *out, gt_tensor x, gt_tensor packed) GT_NOEXCEPT;

/* norm.cc: over the last dimension, of x or of x + residual. The latter two
 * keep nothing but the sum. */
gt_error gt_layer_norm(gt_tensor *out, int32_t mode, gt_tensor x, gt_tensor weight, gt_tensor bias,
                       double eps) GT_NOEXCEPT;
gt_error gt_rms_norm(gt_tensor *out, int32_t mode, gt_tensor x, gt_tensor weight,
                     double eps) GT_NOEXCEPT;
gt_error gt_add_layer_norm(gt_tensor *out, int32_t mode, gt_tensor x, gt_tensor residual,
                           gt_tensor weight, gt_tensor bias, double eps) GT_NOEXCEPT;
gt_error gt_add_rms_norm(gt_tensor *sum, gt_tensor *normed, int32_t mode, gt_tensor x,
                         gt_tensor residual, gt_tensor weight, double eps) GT_NOEXCEPT;

/* fused_linear.cc: norm(second(act(first(x))) + residual), all in one pass.
 * `layers` are the first ones, whose outputs lie beside each other, then the
 * second, if any. Absent tensors are 0. */
typedef struct {
  gt_tensor weight, bias;
  gt_tensor values, index; /* a mask, as in gt_masked_linear */
  gt_tensor a, b;          /* a low-rank update, as in gt_low_rank_linear */
  double scale;
} gt_linear_term;

typedef struct {
  int32_t activation; /* 0 none, 1 gelu, 2 gelu by tanh, 3 relu, 4 silu, 5 tanh */
  int32_t gated;      /* act(first[0](x)) first[1](x) */
  gt_tensor residual;
  gt_tensor norm_weight, norm_bias; /* of a layer norm */
  double eps;
} gt_fused_linear_options;

gt_error gt_fused_linear(gt_tensor *out, int32_t mode, gt_tensor x, const gt_linear_term *layers,
                         size_t first, size_t second,
                         const gt_fused_linear_options *options) GT_NOEXCEPT;

/* linear_cross_entropy.cc: gt_cross_entropy of the logits hidden weight^T, for
 * hidden [tokens, dim] and weight [classes, dim], which are never stored where
 * weight is frozen. */
gt_error gt_linear_cross_entropy(gt_tensor *out, int32_t mode, gt_tensor hidden, gt_tensor weight,
                                 gt_tensor targets, int32_t reduction) GT_NOEXCEPT;

/* packed_attention.cc: attention within sequences that lie one after another:
 * sequence i is rows offsets[i] to offsets[i + 1]. */
typedef struct {
  double scale;        /* of the scores */
  gt_tensor bias;      /* [distances, heads]: a key at position j gets the row */
  int64_t bias_offset; /* j - i + bias_offset for a query at position i; or 0 */
  int32_t causal;
  double dropout; /* of the attention weights */
} gt_attention_options;

/* q [queries, heads, dim], k and v [keys, heads, dim]. */
gt_error gt_packed_attention(gt_tensor *out, int32_t mode, gt_tensor q, gt_tensor k, gt_tensor v,
                             const int64_t *query_offsets, size_t n_query_offsets,
                             const int64_t *key_offsets, size_t n_key_offsets,
                             const gt_attention_options *options) GT_NOEXCEPT;
/* qkv [tokens, 3, heads, dim]. */
gt_error gt_packed_self_attention(gt_tensor *out, int32_t mode, gt_tensor qkv,
                                  const int64_t *offsets, size_t n_offsets,
                                  const gt_attention_options *options) GT_NOEXCEPT;

/* adamw.cc */
typedef struct {
  gt_tensor leaf;   /* holds the gradient */
  gt_tensor master; /* float32 (or float64) value that the moments belong to */
  gt_tensor exp_avg;
  gt_tensor exp_avg_sq;
  gt_tensor weight; /* written through: 0 when the master is the weight itself */
  gt_tensor index;  /* flat positions in weight, or 0 for all of it */
  double weight_decay;
} gt_adamw_param;

typedef struct {
  double lr, beta1, beta2, eps;
  double max_norm; /* 0: no clipping */
  int64_t step;    /* 1 for the first */
} gt_adamw_options;

typedef struct {
  double grad_norm; /* before clipping, over all parameters */
  int32_t skipped;  /* the norm was not finite: nothing was changed */
} gt_adamw_result;

gt_error gt_adamw(gt_adamw_result *out, const gt_adamw_param *params, size_t n,
                  const gt_adamw_options *options) GT_NOEXCEPT;

#undef GT_UNARY
#undef GT_BINARY
#undef GT_SCALAR
#undef GT_DIM

#ifdef __cplusplus
}
#endif
#endif
