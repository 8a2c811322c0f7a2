// Chosen entries of a matrix product over tokens.
#pragma once

#include <cstdint>
#include <vector>

#include "gemm.h"

namespace gopet {

// Columns of a matrix come to the kernel in groups of this many: a cache line of floats.
constexpr int64_t kColumnGroup = 16;

// The columns of a row-major matrix [tokens, width] that some entries read.
struct SampledColumns {
  std::vector<int32_t> groups;  // the groups of columns that are read, ascending
  std::vector<int32_t> entry;   // for each entry its column, counted within those groups
};

// Adds entries of a^T b over shared rows ("tokens") to total: entry i is the
// product of column a_columns.entry[i] of a with column b_columns.entry[i] of
// b. The lists of entries are padded with zeros to a multiple of kColumnGroup,
// and so is total. The order of the sums depends on the shapes alone.
void sampled_product(const Matrix<const float> &a, const SampledColumns &a_columns,
                     const Matrix<const float> &b, const SampledColumns &b_columns, float *total);
void sampled_product(const Matrix<const double> &a, const SampledColumns &a_columns,
                     const Matrix<const double> &b, const SampledColumns &b_columns, double *total);
void sampled_product(const Matrix<const c10::BFloat16> &a, const SampledColumns &a_columns,
                     const Matrix<const c10::BFloat16> &b, const SampledColumns &b_columns,
                     float *total);

}  // namespace gopet
