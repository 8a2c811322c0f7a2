// Attention within the sequences of a packed batch.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/ivalue.h>

#include <vector>

namespace gopet {

// Where the sequences of a packed batch begin and end, and how they attend.
struct PackedAttention : torch::CustomClassHolder {
  std::vector<int64_t> query_offsets, key_offsets;  // sequence i: rows [offsets[i], offsets[i + 1])
  double scale = 1;                                 // of the scores
  int64_t bias_offset = 0;  // the row of a bias for a key at the query's position
  bool causal = false;
  double dropout = 0;
  uint64_t seed = 0;  // of dropout

  int64_t sequences() const { return static_cast<int64_t>(query_offsets.size()) - 1; }
  int64_t queries(int64_t sequence) const {
    return query_offsets[sequence + 1] - query_offsets[sequence];
  }
  int64_t keys(int64_t sequence) const { return key_offsets[sequence + 1] - key_offsets[sequence]; }
};

// Tensors of one attention: q [queries, heads, dim], k and v [keys, heads, dim].
struct AttentionTensors {
  at::Tensor q, k, v;
  at::Tensor bias;  // [distances, heads] or undefined
};

}  // namespace gopet
