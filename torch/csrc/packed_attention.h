// Attention within the sequences of a packed batch.
#pragma once

#include <ATen/ATen.h>

#include <optional>

namespace gopet {

// Where the sequences of a packed batch begin and end, and how they attend.
struct PackedAttention {
  at::IntArrayRef query_offsets, key_offsets;  // sequence i is rows [offsets[i], offsets[i + 1])
  double scale;                                // of the scores
  std::optional<at::Tensor> bias;              // float32 or float64 [distances, heads]
  int64_t bias_offset;                         // the row of bias for a key at the query's position
  bool causal;
  double dropout;

  int64_t sequences() const { return static_cast<int64_t>(query_offsets.size()) - 1; }
  int64_t queries(int64_t sequence) const {
    return query_offsets[sequence + 1] - query_offsets[sequence];
  }
  int64_t keys(int64_t sequence) const { return key_offsets[sequence + 1] - key_offsets[sequence]; }
};

}  // namespace gopet
