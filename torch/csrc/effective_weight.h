// The weight of a linear layer as the products of one pass read it.
#pragma once

#include "blocks.h"
#include "fused_linear.h"

namespace gopet {

// W, or W + scale B A where adding a low-rank update to a copy of the weight is cheaper than adding
// it to every result: in float32, for more tokens than the layer has inputs. In bfloat16 the sum
// would round away most of the update.
template <typename T>
class EffectiveWeight {
 public:
  EffectiveWeight(const LinearTerm &term, int64_t tokens);

  // Adds the update, once, before the first product.
  void prepare();
  Matrix<const T> matrix() const;
  bool has_update() const { return updated_.defined(); }

 private:
  const LinearTerm &term_;
  at::Tensor updated_;
};

}  // namespace gopet
