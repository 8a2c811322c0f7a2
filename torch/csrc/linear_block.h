// A linear layer over blocks of tokens, forward and backward, in raw memory.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "blocks.h"
#include "effective_weight.h"
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

  // By one thread, before the first block.
  void prepare() { weight_.prepare(); }
  // y = x W^T + update for a block of tokens, without the bias.
  void block(const Matrix<T> &y, const Matrix<const T> &x) const;

 private:
  const LinearTerm &term_;
  EffectiveWeight<T> weight_;
};

// Gradients are sums over tokens, kept by block and added up in the blocks' order.
template <typename T>
class LinearBackward {
 public:
  LinearBackward(const LinearTerm &term, const std::array<bool, kTermInputs> &wanted,
                 bool input_wanted, const Blocks &blocks);

  // By one thread, before the first block.
  void prepare();

  // Whether the gradients need dy and x of all tokens at once, or need x at all.
  bool needs_all() const { return wanted_[kWeight] || (plan_ && !plan_->dense.empty()); }
  bool needs_x() const {
    return wanted_[kWeight] || wanted_[kValues] || wanted_[kA] || wanted_[kB];
  }

  // dx = dy W + update, or dx += that.
  void input_gradient(const Matrix<T> &dx, bool accumulate, const Matrix<const T> &dy) const;
  // Takes the block's part in the gradients. x is only read where needs_x().
  void add(const Matrix<const T> &dy, const Matrix<const T> &x, int64_t block);
  // The gradients; undefined where not wanted. dy and x are only read where needs_all().
  TermGradients finish(const at::Tensor &dy, const at::Tensor &x) const;

 private:
  at::Tensor masked_gradient(const at::Tensor &dy, const at::Tensor &x) const;

  const LinearTerm &term_;
  const std::array<bool, kTermInputs> wanted_;
  std::optional<EffectiveWeight<T>> weight_;      // where x has a gradient
  std::shared_ptr<const MaskPlan> plan_;          // where values are wanted
  at::Tensor bias_sums_, sampled_sums_, a_sums_;  // [blocks, ...]
  // Transposed: a product with few rows is faster than one with few columns.
  at::Tensor b_sums_;
};

}  // namespace gopet
