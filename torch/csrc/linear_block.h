// A linear layer over blocks of tokens, forward and backward, in raw memory.
#pragma once

#include <array>
#include <memory>

#include "blocks.h"
#include "fused_linear.h"
#include "mask_plan.h"

namespace gopet {

// What a term may have gradients for, in the order of its inputs to autograd.
enum TermInput : size_t { kWeight, kBias, kValues, kA, kB, kTermInputs };

using TermGradients = std::array<at::Tensor, kTermInputs>;

// A term at work on the blocks of a batch. Blocks may be computed by different threads.
template <typename T>
class LinearForward {
 public:
  LinearForward(const LinearTerm &term, int64_t tokens);

  // y = x W^T + update for the tokens from first_token on, without the bias.
  void block(const Matrix<T> &y, const Matrix<const T> &x, int64_t first_token);

  // scale x a^T [tokens, rank], which backward needs; undefined without an update.
  const at::Tensor &thin() const { return thin_; }

 private:
  const LinearTerm &term_;
  at::Tensor thin_;
};

// Gradients are sums over tokens, kept by block and added up in the blocks' order.
template <typename T>
class LinearBackward {
 public:
  LinearBackward(const LinearTerm &term, const at::Tensor &thin,
                 const std::array<bool, kTermInputs> &wanted, int64_t blocks);

  // Whether the gradients need dy and x of all tokens at once, or need x at all.
  bool needs_all() const { return wanted_[kWeight] || (plan_ && !plan_->dense.empty()); }
  bool needs_x() const { return wanted_[kWeight] || wanted_[kValues] || wanted_[kA]; }

  // dx = dy W + update, or dx += that.
  void input_gradient(const Matrix<T> &dx, bool accumulate, const Matrix<const T> &dy);
  // Takes the block's part in the gradients. x is only read where needs_x().
  void add(const Matrix<const T> &dy, const Matrix<const T> &x, int64_t block, int64_t first_token);
  // The gradients; undefined where not wanted. dy and x are only read where needs_all().
  TermGradients finish(const at::Tensor &dy, const at::Tensor &x) const;

 private:
  at::Tensor thin_gradient(const Matrix<const T> &dy) const;
  at::Tensor masked_gradient(const at::Tensor &dy, const at::Tensor &x) const;

  const LinearTerm &term_;
  const at::Tensor &thin_;
  const std::array<bool, kTermInputs> wanted_;
  std::shared_ptr<const MaskPlan> plan_;                   // where values are wanted
  at::Tensor bias_sums_, sampled_sums_, a_sums_, b_sums_;  // [blocks, ...]
};

}  // namespace gopet
