// Products with a weight in the layout that oneDNN chooses for it. libtorch registers these
// operators for its compiler and declares them nowhere, so they are found by name.
#include <ATen/core/dispatch/Dispatcher.h>

#include "boundary.h"

using namespace gopet;

namespace {

at::Tensor pack(const at::Tensor &weight, int64_t rows) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_reorder_linear_weight", "")
                             .typed<at::Tensor(const at::Tensor &, std::optional<int64_t>)>();
  return op.call(weight.detach(), rows);
}

at::Tensor packed_linear(const at::Tensor &x, const at::Tensor &packed) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                             .typed<at::Tensor(const at::Tensor &, const at::Tensor &,
                                               const std::optional<at::Tensor> &, std::string_view,
                                               c10::List<std::optional<at::Scalar>>,
                                               std::optional<std::string_view>)>();
  return op.call(x, packed, std::nullopt, "none", c10::List<std::optional<at::Scalar>>(),
                 std::nullopt);
}

}  // namespace

gt_error gt_pack_linear(gt_tensor *out, gt_tensor weight, int64_t rows) noexcept {
  GT_RESULT(out, GT_MODE_NO_GRAD, pack(unwrap(weight), rows))
}

gt_error gt_packed_linear(gt_tensor *out, gt_tensor x, gt_tensor packed) noexcept {
  GT_RESULT(out, GT_MODE_NO_GRAD, packed_linear(unwrap(x), unwrap(packed)))
}
