// Tokens cut into blocks that go through a whole computation one after the other.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>

#include "gemm.h"

namespace gopet {

// Rows of a block at most. Smaller ones stay nearer to the cores, larger ones make a product gather
// its weight less often: of 128 to 2,048 rows, 1,024 were fastest or near it (MiniLM-L6, 2,048
// tokens).
constexpr int64_t kBlockTokens = 1024;

// Tokens in equal blocks, as many as threads or a multiple. At least two, so that sums over blocks
// are the same with one thread and with two.
struct Blocks {
  int64_t tokens, count;

  explicit Blocks(int64_t tokens) : tokens(tokens) {
    int64_t threads = std::max<int64_t>(at::get_num_threads(), 2);
    int64_t least = (tokens + kBlockTokens - 1) / kBlockTokens;
    count = std::min((least + threads - 1) / threads * threads, std::max<int64_t>(tokens, 1));
  }
  // Blocks of at most `rows` that do not depend on the number of threads, for what is no product.
  Blocks(int64_t tokens, int64_t rows) : tokens(tokens), count((tokens + rows - 1) / rows) {}

  int64_t begin(int64_t block) const { return tokens * block / count; }
  int64_t size(int64_t block) const { return begin(block + 1) - begin(block); }
  int64_t largest() const { return (tokens + count - 1) / count; }

  // Calls f(first, last) for ranges of blocks, on all threads.
  template <typename F>
  void each(F f) const {
    at::parallel_for(0, count, 1, [&](int64_t first, int64_t last) {
      at::AutoDispatchBelowAutograd no_grad;
      f(first, last);
    });
  }
};

// t [..., columns] as a contiguous [rows, columns].
inline at::Tensor flat(const at::Tensor &t) { return t.reshape({-1, t.size(-1)}).contiguous(); }

template <typename T>
Matrix<T> matrix(const at::Tensor &t) {
  return {t.data_ptr<T>(), t.size(0), t.size(1), t.stride(0)};
}

template <typename T>
Matrix<const T> const_matrix(const at::Tensor &t) {
  return {t.const_data_ptr<T>(), t.size(0), t.size(1), t.stride(0)};
}

// The sum over blocks [blocks, ...], in their order whatever the number of threads; zeros of no
// block.
inline at::Tensor sum_in_order(const at::Tensor &sums) {
  if (sums.size(0) == 0) return sums.sum(0);
  at::Tensor total = sums[0].clone();
  for (int64_t i = 1; i < sums.size(0); i++) total.add_(sums[i]);
  return total;
}

}  // namespace gopet
