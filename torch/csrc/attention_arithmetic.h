// What attention computes on blocks that lie in the nearest caches, compiled
// for each instruction set.
//
// Blocks are row-major. Their rows are whole vectors long, of T::lanes
// elements, and scores are powers of two: the logarithm of 2 is in their scale.
#pragma once

#include <cstdint>

namespace gopet {

// The upper half of a float.
struct BFloat16 {
  uint16_t bits;
};

// The type that elements are computed in.
template <typename E>
struct Computed {
  using type = E;
};
template <>
struct Computed<BFloat16> {
  using type = float;
};

// Rows of a tensor, and a block of them whose columns from dim on are zeros.
template <typename E, typename T>
struct RowCopy {
  E *rows;
  int64_t stride;  // from one row of the tensor to the next
  T *block;
  int64_t width;  // of the block, in whole vectors
  int64_t count, dim;
  T scale;             // of all elements
  const T *row_scale;  // of each row as well, or nullptr
};

// c (+)= a b, of a [m, k], b [k, n] and c [m, n].
template <typename T>
struct Product {
  int64_t m, n, k;  // n in whole vectors
  const T *a;
  int64_t a_row, a_column;  // strides: a may be a transpose
  const T *b;
  int64_t b_row;
  T *c;
  int64_t c_row;
  bool add;
};

// Which attention weights are dropped: a function of the seed and of the
// place of the weight alone.
template <typename T>
struct Dropout {
  uint64_t seed;
  uint64_t head;       // its number in the batch
  uint32_t threshold;  // drawn numbers below it drop their weight
  T scale;             // of the weights that are kept
  bool on() const { return threshold != 0; }
};

// The rows of scores of some queries of a sequence.
template <typename T>
struct ScoreBlock {
  int64_t first, count;  // queries
  int64_t keys;
  bool causal;     // query i sees keys up to i only
  const T *bias;   // of key 0 for query 0, that for key j and query i j - i further; or nullptr
  T *maximum;      // of each row of scores
  T *inverse_sum;  // of the exponentials in each row
  T *scores;
  int64_t width;  // from one row to the next
  Dropout<T> dropout;
};

template <typename T>
struct ScoreGradient {
  T *weights_gradient;  // laid out as the scores; becomes their gradient
  T *bias_gradient;     // of key 0 for query 0, as the bias; added to; or nullptr
};

template <typename E>
struct Arithmetic {
  using T = typename Computed<E>::type;
  int64_t lanes;
  void (*load)(const RowCopy<const E, T> &);  // a block from rows
  void (*store)(const RowCopy<E, const T> &);
  void (*transpose)(const T *from, int64_t from_width, int64_t rows, int64_t columns, T *to,
                    int64_t to_width);
  void (*product)(const Product<T> &);
  // Turns scores to exponentials below the row's maximum, which it finds, and
  // zeros dropped ones.
  void (*exponentials)(const ScoreBlock<T> &);
  // Turns scores to attention weights, dropped ones to zeros, and the gradient
  // of the weights to that of the scores.
  void (*gradients)(const ScoreBlock<T> &, const ScoreGradient<T> &);
};

// That of the instruction set at hand.
template <typename E>
const Arithmetic<E> &arithmetic();

}  // namespace gopet
