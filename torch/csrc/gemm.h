// Products of row-major matrices whose rows may lie apart.
#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>
#include <type_traits>

namespace gopet {

// A matrix in somebody else's memory; rows are `stride` elements apart.
template <typename T>
struct Matrix {
  T *data;
  int64_t rows, cols, stride;

  Matrix(T *data, int64_t rows, int64_t cols, int64_t stride)
      : data(data), rows(rows), cols(cols), stride(stride) {}
  Matrix(T *data, int64_t rows, int64_t cols) : Matrix(data, rows, cols, cols) {}
  // A matrix that is only read is a view of one that may be written.
  operator Matrix<const T>() const { return {data, rows, cols, stride}; }

  T *row(int64_t i) const { return data + i * stride; }
  Matrix rows_from(int64_t begin, int64_t n) const { return {row(begin), n, cols, stride}; }
  Matrix columns_from(int64_t begin, int64_t n) const { return {data + begin, rows, n, stride}; }
};

enum class Transpose : bool { no = false, yes = true };

// c = op(a) op(b), or c += op(a) op(b).
void gemm(const Matrix<float> &c, const Matrix<const float> &a, Transpose ta,
          const Matrix<const float> &b, Transpose tb, bool accumulate);
void gemm(const Matrix<c10::BFloat16> &c, const Matrix<const c10::BFloat16> &a, Transpose ta,
          const Matrix<const c10::BFloat16> &b, Transpose tb, bool accumulate);

// While one lives, this thread shares no product of floats with others. Within
// a loop that is parallel MKL shares none either, but sums in an order that
// depends on how many threads it could have had.
class ProductsOfOneThread {
 public:
  ProductsOfOneThread();
  ~ProductsOfOneThread();

 private:
  int previous_;
};

}  // namespace gopet
