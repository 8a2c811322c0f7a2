// Linear layers together with all that stands around them in a transformer block.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "rows.h"

namespace gopet {

// A linear layer and what is tuned in it: whichever of its tensors require a gradient.
struct LinearTerm {
  at::Tensor weight;         // [out, in]
  at::Tensor bias;           // [out], or undefined
  at::Tensor values, index;  // the leaf of masked entries of weight and their places, or undefined
  at::Tensor a, b;           // a low-rank update scale (x a^T) b^T, or undefined
  double scale = 0;

  int64_t out() const { return weight.size(0); }
  int64_t in() const { return weight.size(1); }
};

// y = norm(second(act(first(x))) + residual), of which every part but `first` may be missing.
struct FusedLinear {
  std::vector<LinearTerm> first;  // their outputs lie beside each other
  Activation activation = Activation::none;
  bool gated = false;              // act(first[0](x)) first[1](x)
  std::vector<LinearTerm> second;  // at most one
  at::Tensor residual;
  at::Tensor norm_weight, norm_bias;
  double eps = 0;
};

at::Tensor fused_linear(const at::Tensor &x, const FusedLinear &f);

// Parts of it, in libtorch's operations, on any device.
at::Tensor activated(const at::Tensor &x, Activation act);
at::Tensor tuned_linear(const at::Tensor &x, const LinearTerm &t);
at::Tensor layer_normed(const at::Tensor &y, const FusedLinear &f);

}  // namespace gopet
