#include <torch/csrc/autograd/autograd.h>

#include "boundary.h"

using namespace gopet;

gt_error gt_set_requires_grad(gt_tensor a, int32_t on) noexcept {
  GT_BOUNDARY(0, unwrap(a).set_requires_grad(on != 0))
}

gt_error gt_requires_grad(int32_t *out, gt_tensor a) noexcept {
  GT_BOUNDARY(0, *out = unwrap(a).requires_grad())
}

gt_error gt_backward(gt_tensor loss, gt_tensor gradient) noexcept {
  GT_BOUNDARY(0, {
    torch::autograd::variable_list gradients;
    if (gradient != 0) gradients.push_back(unwrap(gradient));
    torch::autograd::backward({unwrap(loss)}, gradients);
  })
}

gt_error gt_grad(gt_tensor *out, gt_tensor a) noexcept {
  GT_BOUNDARY(0, {
    const at::Tensor &gradient = unwrap(a).grad();
    *out = gradient.defined() ? wrap(gradient) : 0;
  })
}

gt_error gt_clear_grads(const gt_tensor *tensors, size_t n) noexcept {
  GT_BOUNDARY(0, {
    for (size_t i = 0; i < n; i++) unwrap(tensors[i]).mutable_grad().reset();
  })
}
