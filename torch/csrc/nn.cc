#include "boundary.h"
#include "cross_entropy_cuda.h"

using namespace gopet;

gt_error gt_linear(gt_tensor *out, int32_t mode, gt_tensor x, gt_tensor weight,
                   gt_tensor bias) noexcept {
  GT_RESULT(out, mode, at::linear(unwrap(x), unwrap(weight), optional(bias)))
}

gt_error gt_embedding(gt_tensor *out, int32_t mode, gt_tensor weight, gt_tensor ids) noexcept {
  GT_RESULT(out, mode, at::embedding(unwrap(weight), unwrap(ids)))
}

gt_error gt_dropout(gt_tensor *out, int32_t mode, gt_tensor a, double p) noexcept {
  GT_RESULT(out, mode, at::dropout(unwrap(a), p, /*train=*/true))
}

gt_error gt_attention(gt_tensor *out, int32_t mode, gt_tensor q, gt_tensor k, gt_tensor v,
                      gt_tensor mask, double dropout, int32_t causal, double scale) noexcept {
  GT_RESULT(out, mode,
            at::scaled_dot_product_attention(unwrap(q), unwrap(k), unwrap(v), optional(mask),
                                             dropout, causal != 0, scale))
}

gt_error gt_cross_entropy(gt_tensor *out, int32_t mode, gt_tensor logits, gt_tensor targets,
                          gt_tensor class_weights, int32_t reduction) noexcept {
  GT_BOUNDARY(mode, {
    const at::Tensor &x = unwrap(logits), &classes = unwrap(targets);
    std::optional<at::Tensor> weights = optional(class_weights);
    auto reduce = static_cast<at::Reduction::Reduction>(reduction);
    *out = wrap(cross_entropy_has_cuda_kernel(x, classes, reduce)
                    ? cross_entropy_cuda(x, classes, weights, reduce).to(x.scalar_type())
                    : at::cross_entropy_loss(x, classes, weights, reduce));
  })
}
