// Attention of one head within one sequence of a packed batch, on one thread.
#pragma once

#include <cstdint>
#include <memory>

#include "attention_arithmetic.h"

namespace gopet {

// Tokens of a tensor [tokens, heads, dim]; the last dimension is contiguous.
template <typename E>
struct Tokens {
  E *data = nullptr;  // nullptr where a gradient is not wanted
  int64_t token_stride = 0, head_stride = 0;

  Tokens at(int64_t token, int64_t head) const {
    return {data + token * token_stride + head * head_stride, token_stride, head_stride};
  }
};

// What one head of one sequence computes, in elements E and numbers T.
template <typename E, typename T = typename Computed<E>::type>
struct HeadAttention {
  int64_t queries, keys, dim;
  Tokens<const E> q, k, v;  // at the first token of the sequence, and at the head
  double scale;
  bool causal;
  const T *bias;   // of key 0 for query 0, times log2(e), as in ScoreBlock
  T *maximum;      // [queries], written by forward and read by backward
  T *inverse_sum;  // [queries]
  Dropout<T> dropout;
};

// Memory of one thread for its blocks, kept from task to task.
class Workspace {
 public:
  template <typename T>
  T *reserve(int64_t n) {
    return static_cast<T *>(bytes(n * static_cast<int64_t>(sizeof(T))));
  }

 private:
  void *bytes(int64_t n);

  struct Free {
    void operator()(void *p) const;
  };
  std::unique_ptr<void, Free> memory_;
  int64_t size_ = 0;
};

template <typename E>
void attend(const HeadAttention<E> &a, const Tokens<E> &out, Workspace &workspace);

// Writes the gradients that are wanted; that of the bias is added to, as it
// lies: of key 0 for query 0.
template <typename E, typename T = typename Computed<E>::type>
void attend_backward(const HeadAttention<E> &a, const Tokens<const E> &dout, const Tokens<E> &dq,
                     const Tokens<E> &dk, const Tokens<E> &dv, T *dbias, Workspace &workspace);

}  // namespace gopet
