#include "boundary.h"

using namespace gopet;

#define GT_UNARY(name)                                                     \
  gt_error gt_##name(gt_tensor *out, int32_t mode, gt_tensor a) noexcept { \
    GT_RESULT(out, mode, at::name(unwrap(a)))                              \
  }
#define GT_BINARY(name)                                                                 \
  gt_error gt_##name(gt_tensor *out, int32_t mode, gt_tensor a, gt_tensor b) noexcept { \
    GT_RESULT(out, mode, at::name(unwrap(a), unwrap(b)))                                \
  }
#define GT_SCALAR(name, op)                                                          \
  gt_error gt_##name(gt_tensor *out, int32_t mode, gt_tensor a, double b) noexcept { \
    GT_RESULT(out, mode, at::op(unwrap(a), b))                                       \
  }
#define GT_REDUCE(name, op)                                                                    \
  gt_error gt_##name(gt_tensor *out, int32_t mode, gt_tensor a, const int64_t *dims, size_t n, \
                     int32_t keep) noexcept {                                                  \
    GT_RESULT(out, mode, at::op(unwrap(a), ints(dims, n), keep != 0))                          \
  }

GT_UNARY(neg)
GT_UNARY(abs)
GT_UNARY(exp)
GT_UNARY(log)
GT_UNARY(sqrt)
GT_UNARY(rsqrt)
GT_UNARY(tanh)
GT_UNARY(sigmoid)
GT_UNARY(relu)
GT_UNARY(silu)
GT_UNARY(isfinite)
GT_UNARY(logical_not)
GT_UNARY(sum)
GT_UNARY(mean)
GT_UNARY(max)
GT_UNARY(min)
GT_UNARY(norm)

GT_BINARY(add)
GT_BINARY(sub)
GT_BINARY(mul)
GT_BINARY(div)
GT_BINARY(matmul)
GT_BINARY(eq)
GT_BINARY(ne)
GT_BINARY(lt)
GT_BINARY(gt)
GT_BINARY(maximum)
GT_BINARY(minimum)

GT_SCALAR(add_scalar, add)
GT_SCALAR(mul_scalar, mul)
GT_SCALAR(pow_scalar, pow)
GT_SCALAR(eq_scalar, eq)
GT_SCALAR(lt_scalar, lt)
GT_SCALAR(gt_scalar, gt)

GT_REDUCE(sum_dim, sum)
GT_REDUCE(mean_dim, mean)
GT_REDUCE(amax, amax)

gt_error gt_argmax(gt_tensor *out, int32_t mode, gt_tensor a, int64_t dim) noexcept {
  GT_RESULT(out, mode, at::argmax(unwrap(a), dim))
}

gt_error gt_softmax(gt_tensor *out, int32_t mode, gt_tensor a, int64_t dim) noexcept {
  GT_RESULT(out, mode, at::softmax(unwrap(a), dim))
}

gt_error gt_log_softmax(gt_tensor *out, int32_t mode, gt_tensor a, int64_t dim) noexcept {
  GT_RESULT(out, mode, at::log_softmax(unwrap(a), dim))
}

gt_error gt_topk(gt_tensor *values, gt_tensor *indices, int32_t mode, gt_tensor a, int64_t k,
                 int64_t dim) noexcept {
  GT_BOUNDARY(mode, {
    auto [largest, where] = at::topk(unwrap(a), k, dim);
    *values = wrap(largest);
    *indices = wrap(where);
  })
}

gt_error gt_where(gt_tensor *out, int32_t mode, gt_tensor condition, gt_tensor a,
                  gt_tensor b) noexcept {
  GT_RESULT(out, mode, at::where(unwrap(condition), unwrap(a), unwrap(b)))
}

gt_error gt_masked_fill(gt_tensor *out, int32_t mode, gt_tensor a, gt_tensor mask,
                        double value) noexcept {
  GT_RESULT(out, mode, at::masked_fill(unwrap(a), unwrap(mask), value))
}

gt_error gt_all_close(int32_t *out, gt_tensor a, gt_tensor b, double rtol, double atol) noexcept {
  GT_BOUNDARY(GT_MODE_NO_GRAD, *out = at::allclose(unwrap(a), unwrap(b), rtol, atol))
}

gt_error gt_equal(int32_t *out, gt_tensor a, gt_tensor b) noexcept {
  GT_BOUNDARY(GT_MODE_NO_GRAD, *out = at::equal(unwrap(a), unwrap(b)))
}
