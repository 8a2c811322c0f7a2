#include <cmath>
#include <map>

#include "adamw_cuda.h"
#include "boundary.h"

using namespace gopet;

namespace {

struct Group {
  std::vector<at::Tensor> masters, gradients, exp_avgs, exp_avg_sqs, steps;
};

// Gradients in the masters' precision. A parameter that no loss reached has
// none: it is treated as zero, so that decay and moments stay well defined.
std::vector<at::Tensor> gradients_of(const gt_adamw_param *params, size_t n) {
  std::vector<at::Tensor> gradients;
  gradients.reserve(n);
  for (size_t i = 0; i < n; i++) {
    const at::Tensor &gradient = unwrap(params[i].leaf).grad(), &master = unwrap(params[i].master);
    gradients.push_back(gradient.defined() ? gradient.to(master.scalar_type())
                                           : at::zeros_like(master));
  }
  return gradients;
}

double total_norm(const std::vector<at::Tensor> &gradients) {
  std::vector<at::Tensor> nonempty;
  for (const at::Tensor &g : gradients)
    if (g.numel() > 0) nonempty.push_back(g);
  if (nonempty.empty()) return 0;
  return at::stack(at::_foreach_norm(nonempty)).norm().item().toDouble();
}

void write_through(const gt_adamw_param &p) {
  if (p.weight == 0) return;
  at::Tensor &weight = unwrap(p.weight), &master = unwrap(p.master);
  if (p.index == 0) {
    weight.copy_(master);
  } else {
    weight.view({-1}).index_copy_(0, unwrap(p.index), master.to(weight.scalar_type()));
  }
}

}  // namespace

gt_error gt_adamw(gt_adamw_result *out, const gt_adamw_param *params, size_t n,
                  const gt_adamw_options *o) noexcept {
  GT_BOUNDARY(GT_MODE_NO_GRAD, {
    if (adamw_has_cuda_kernel(params, n)) {
      *out = adamw_cuda(params, n, *o);
      return gt_error{GT_OK, nullptr};
    }
    std::vector<at::Tensor> gradients = gradients_of(params, n);
    double norm = total_norm(gradients);
    *out = {norm, !std::isfinite(norm)};
    if (out->skipped) return gt_error{GT_OK, nullptr};
    // As torch.nn.utils.clip_grad_norm_ scales.
    double scale = o->max_norm > 0 ? o->max_norm / (norm + 1e-6) : 1;
    if (scale < 1) at::_foreach_mul_(gradients, scale);

    std::map<double, Group> groups;
    for (size_t i = 0; i < n; i++) {
      if (gradients[i].numel() == 0) continue;
      Group &g = groups[params[i].weight_decay];
      g.masters.push_back(unwrap(params[i].master));
      g.gradients.push_back(gradients[i]);
      g.exp_avgs.push_back(unwrap(params[i].exp_avg));
      g.exp_avg_sqs.push_back(unwrap(params[i].exp_avg_sq));
      // The kernel takes the number of this step; ours is shared by all.
      g.steps.push_back(
          at::full({}, static_cast<double>(o->step), gradients[i].options().dtype(at::kFloat)));
    }
    for (auto &[decay, g] : groups) {
      at::_fused_adamw_(g.masters, g.gradients, g.exp_avgs, g.exp_avg_sqs, /*max_exp_avg_sqs=*/{},
                        g.steps, o->lr, o->beta1, o->beta2, decay, o->eps, /*amsgrad=*/false,
                        /*maximize=*/false);
    }
    for (size_t i = 0; i < n; i++) write_through(params[i]);
  })
}
