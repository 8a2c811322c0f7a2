// Chosen entries of a matrix product over tokens.
#pragma once

#include <cstdint>
#include <vector>

namespace gopet {

// Columns of a matrix come to the kernel in groups of this many: a cache line of floats.
constexpr int64_t kColumnGroup = 16;

// The columns of a row-major matrix [tokens, width] that some entries read.
struct SampledColumns {
  std::vector<int32_t> groups;  // the groups of columns that are read, ascending
  std::vector<int32_t> entry;   // for each entry its column, counted within those groups
};

// Entries of a^T b over shared rows ("tokens"): entry i is the product of
// column a_columns.entry[i] of a with column b_columns.entry[i] of b. The
// lists of entries are padded with zeros to a multiple of kColumnGroup.
template <typename T>
struct SampledProduct {
  const T *a, *b;
  int64_t a_width, b_width;
  SampledColumns a_columns, b_columns;
};

// Adds the products over tokens [begin, end) to total, one for each (padded)
// entry. The order of the sums depends on begin and end alone.
void sampled_product(const SampledProduct<float> &p, int64_t begin, int64_t end, float *total);
void sampled_product(const SampledProduct<double> &p, int64_t begin, int64_t end, double *total);

}  // namespace gopet
