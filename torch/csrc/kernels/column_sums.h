// Sums over the rows of a matrix, one a column, in two passes of fixed order:
// the gradients of biases and of norms' weights.
#pragma once

#include "device.h"

namespace gopet {

constexpr int kColumnThreads = 128;
constexpr int64_t kRowsAtLeast = 32, kRowChunksAtMost = 256;

// Rows that one block adds up: a function of their number alone.
inline int64_t rows_a_chunk(int64_t rows) {
  return larger(kRowsAtLeast, divide_up(rows, kRowChunksAtMost));
}

// Floats of scratch for `sums` sums a column.
inline int64_t column_sums_scratch(int64_t rows, int64_t width, int64_t sums) {
  return divide_up(rows, rows_a_chunk(rows)) * width * sums;
}

// F's operator()(row, column, sums) adds what a matrix element contributes.
template <int n, typename F>
__global__ void column_partials(F f, int64_t rows, int64_t width, int64_t chunk, float *partial) {
  int64_t column = int64_t{blockIdx.x} * kColumnThreads + threadIdx.x;
  if (column >= width) return;
  int64_t begin = int64_t{blockIdx.y} * chunk, end = smaller(begin + chunk, rows);
  float sums[n] = {};
  for (int64_t row = begin; row < end; row++) f(row, column, sums);
#pragma unroll
  for (int i = 0; i < n; i++) partial[(int64_t{blockIdx.y} * n + i) * width + column] = sums[i];
}

template <int n>
struct ColumnSums {
  float *to[n];  // [width] each; null: not wanted
};

template <int n>
__global__ void add_column_partials(const float *partial, int64_t chunks, int64_t width,
                                    ColumnSums<n> sums) {
  int64_t column = int64_t{blockIdx.x} * kColumnThreads + threadIdx.x;
  if (column >= width) return;
#pragma unroll
  for (int i = 0; i < n; i++) {
    if (sums.to[i] == nullptr) continue;
    float sum = 0;
    for (int64_t c = 0; c < chunks; c++) sum += partial[(c * n + i) * width + column];
    sums.to[i][column] = sum;
  }
}

template <int n, typename F>
int column_sums(F f, int64_t rows, int64_t width, ColumnSums<n> sums, float *scratch,
                void *stream) {
  int64_t chunk = rows_a_chunk(rows), chunks = divide_up(rows, chunk);
  unsigned columns = static_cast<unsigned>(divide_up(width, kColumnThreads));
  int error = launch(column_partials<n, F>, dim3(columns, static_cast<unsigned>(chunks)),
                     kColumnThreads, 0, stream, f, rows, width, chunk, scratch);
  if (error != cudaSuccess) return error;
  return launch(add_column_partials<n>, dim3(columns), kColumnThreads, 0, stream,
                static_cast<const float *>(scratch), chunks, width, sums);
}

}  // namespace gopet
