// Activations by the arithmetic of fused blocks, alone or as a gate.
#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

#include "boundary.h"
#include "rows.h"

using namespace gopet;
using torch::autograd::variable_list;

namespace {

// Elements that one thread takes at least.
constexpr int64_t kGrain = 1 << 14;

// Calls f(first, n) for parts of all elements, on all threads.
template <typename F>
void for_elements(const at::Tensor &t, F f) {
  at::parallel_for(0, t.numel(), kGrain,
                   [&](int64_t begin, int64_t end) { f(begin, end - begin); });
}

// A part of a contiguous tensor's elements, as one row.
template <typename T>
Matrix<T> part(const at::Tensor &t, int64_t first, int64_t n) {
  return {t.data_ptr<T>() + first, 1, n};
}

template <typename T>
Matrix<const T> const_part(const at::Tensor &t, int64_t first, int64_t n) {
  return {t.const_data_ptr<T>() + first, 1, n};
}

// act(gate) x, or act(gate) where x is undefined.
struct ActivationBackward : torch::autograd::Node {
  at::Tensor gate, x;
  Activation act;

  template <typename T>
  variable_list backward(const at::Tensor &dy) {
    at::Tensor dgate = at::empty_like(dy), dx;
    if (x.defined()) dx = at::empty_like(dy);
    for_elements(dy, [&](int64_t i, int64_t n) {
      if (x.defined()) {
        gated_backward<T>(part<T>(dgate, i, n), part<T>(dx, i, n), const_part<T>(dy, i, n),
                          const_part<T>(gate, i, n), const_part<T>(x, i, n), nullptr, act);
      } else {
        activation_backward<T>(part<T>(dgate, i, n), const_part<T>(dy, i, n),
                               const_part<T>(gate, i, n), nullptr, act);
      }
    });
    return {dgate, dx};
  }

  variable_list apply(variable_list &&gradients) override {
    TORCH_CHECK(gate.defined(), "backward through the same activation a second time");
    if (!gradients[0].defined()) return variable_list(2);
    at::Tensor dy = gradients[0].contiguous();
    return dy.scalar_type() == at::kFloat ? backward<float>(dy) : backward<c10::BFloat16>(dy);
  }

  void release_variables() override { gate = x = at::Tensor(); }
  std::string name() const override { return "ActivationBackward"; }
};

template <typename T>
void forward(const at::Tensor &y, const at::Tensor &gate, const at::Tensor &x, Activation act) {
  for_elements(y, [&](int64_t i, int64_t n) {
    if (x.defined()) {
      activate_gated<T>(part<T>(y, i, n), const_part<T>(gate, i, n), const_part<T>(x, i, n), act);
    } else {
      activate<T>(part<T>(y, i, n), const_part<T>(gate, i, n), act);
    }
  });
}

at::Tensor composed(const at::Tensor &gate, Activation act) {
  switch (act) {
    case Activation::none:
      break;
    case Activation::gelu:
      return at::gelu(gate);
    case Activation::gelu_tanh:
      return at::gelu(gate, "tanh");
    case Activation::relu:
      return at::relu(gate);
    case Activation::silu:
      return at::silu(gate);
    case Activation::tanh:
      return at::tanh(gate);
  }
  return gate;
}

// x may be undefined, as for ActivationBackward.
at::Tensor activation(const at::Tensor &gate, const at::Tensor &x, Activation act) {
  TORCH_CHECK(act >= Activation::none && act <= Activation::tanh, "no activation has the number ",
              static_cast<int32_t>(act));
  TORCH_CHECK(!x.defined() || x.sizes() == gate.sizes(), "a gate ", gate.sizes(), " of x ",
              x.sizes());
  auto type = gate.scalar_type();
  bool ours = gate.is_cpu() && (type == at::kFloat || type == at::kBFloat16) &&
              (!x.defined() || (x.is_cpu() && x.scalar_type() == type));
  if (!ours) return x.defined() ? composed(gate, act) * x : composed(gate, act);
  const bool keep = at::GradMode::is_enabled() &&
                    torch::autograd::any_variable_requires_grad(variable_list{gate, x});
  at::AutoDispatchBelowADInplaceOrView no_grad;
  at::Tensor g = gate.contiguous(), v = x.defined() ? x.contiguous() : x;
  at::Tensor y = at::empty_like(g);
  if (type == at::kFloat) {
    forward<float>(y, g, v, act);
  } else {
    forward<c10::BFloat16>(y, g, v, act);
  }
  if (!keep) return y;
  std::shared_ptr<ActivationBackward> node(new ActivationBackward, torch::autograd::deleteNode);
  node->set_next_edges(torch::autograd::collect_next_edges(gate, x));
  node->gate = g;
  node->x = v;
  node->act = act;
  torch::autograd::set_history(y, node);
  return y;
}

}  // namespace

// libtorch's exact GELU is as fast as ours; its tanh takes three times as long.
gt_error gt_gelu(gt_tensor *out, int32_t mode, gt_tensor a, int32_t tanh_approximation) noexcept {
  GT_RESULT(
      out, mode,
      tanh_approximation ? activation(unwrap(a), {}, Activation::gelu_tanh) : at::gelu(unwrap(a)))
}

gt_error gt_gated_activation(gt_tensor *out, int32_t mode, gt_tensor gate, gt_tensor x,
                             int32_t act) noexcept {
  GT_RESULT(out, mode, activation(unwrap(gate), unwrap(x), static_cast<Activation>(act)))
}
