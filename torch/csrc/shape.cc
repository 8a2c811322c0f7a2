#include "boundary.h"

using namespace gopet;

gt_error gt_reshape(gt_tensor *out, int32_t mode, gt_tensor a, const int64_t *shape,
                    size_t ndim) noexcept {
  GT_RESULT(out, mode, at::reshape(unwrap(a), ints(shape, ndim)))
}

gt_error gt_expand(gt_tensor *out, int32_t mode, gt_tensor a, const int64_t *shape,
                   size_t ndim) noexcept {
  GT_RESULT(out, mode, unwrap(a).expand(ints(shape, ndim)))
}

gt_error gt_permute(gt_tensor *out, int32_t mode, gt_tensor a, const int64_t *dims,
                    size_t ndim) noexcept {
  GT_RESULT(out, mode, at::permute(unwrap(a), ints(dims, ndim)))
}

gt_error gt_transpose(gt_tensor *out, int32_t mode, gt_tensor a, int64_t d0, int64_t d1) noexcept {
  GT_RESULT(out, mode, at::transpose(unwrap(a), d0, d1))
}

gt_error gt_unsqueeze(gt_tensor *out, int32_t mode, gt_tensor a, int64_t dim) noexcept {
  GT_RESULT(out, mode, at::unsqueeze(unwrap(a), dim))
}

gt_error gt_squeeze(gt_tensor *out, int32_t mode, gt_tensor a, int64_t dim) noexcept {
  GT_RESULT(out, mode, at::squeeze(unwrap(a), dim))
}

gt_error gt_contiguous(gt_tensor *out, int32_t mode, gt_tensor a) noexcept {
  GT_RESULT(out, mode, unwrap(a).contiguous())
}

gt_error gt_detach(gt_tensor *out, int32_t mode, gt_tensor a) noexcept {
  GT_RESULT(out, mode, unwrap(a).detach())
}

gt_error gt_narrow(gt_tensor *out, int32_t mode, gt_tensor a, int64_t dim, int64_t start,
                   int64_t length) noexcept {
  GT_RESULT(out, mode, at::narrow(unwrap(a), dim, start, length))
}

gt_error gt_select(gt_tensor *out, int32_t mode, gt_tensor a, int64_t dim, int64_t index) noexcept {
  GT_RESULT(out, mode, at::select(unwrap(a), dim, index))
}

gt_error gt_index_select(gt_tensor *out, int32_t mode, gt_tensor a, int64_t dim,
                         gt_tensor index) noexcept {
  GT_RESULT(out, mode, at::index_select(unwrap(a), dim, unwrap(index)))
}

gt_error gt_gather(gt_tensor *out, int32_t mode, gt_tensor a, int64_t dim,
                   gt_tensor index) noexcept {
  GT_RESULT(out, mode, at::gather(unwrap(a), dim, unwrap(index)))
}

gt_error gt_cat(gt_tensor *out, int32_t mode, const gt_tensor *tensors, size_t n,
                int64_t dim) noexcept {
  GT_RESULT(out, mode, at::cat(unwrap_list(tensors, n), dim))
}

gt_error gt_stack(gt_tensor *out, int32_t mode, const gt_tensor *tensors, size_t n,
                  int64_t dim) noexcept {
  GT_RESULT(out, mode, at::stack(unwrap_list(tensors, n), dim))
}
