// What attention computes on blocks that lie in the nearest caches, compiled
// for each instruction set.
//
// Blocks are row-major and their rows whole vectors long. Scores are exponents
// of two: whoever scales queries and biases multiplies them by log2(e).
#pragma once

#include <cstdint>

namespace gopet {

constexpr double kLog2E = 1.4426950408889634;

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

// A block in memory: its first element, and the strides from one row and one
// column to the next.
template <typename T>
struct Matrix {
  T *data;
  int64_t row, column;
  Matrix transposed() const { return {data, column, row}; }
};

// c = a b, of a [m, k], b [k, n] and c [m, n]; or c += a b. The columns of b
// and c are contiguous, and n counts whole vectors.
template <typename T>
struct Product {
  int64_t m, n, k;
  Matrix<T> a, b, c;
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
