// How the k entries of a mask are computed: decided once for a mask, not at every step.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <vector>

#include "sampled_product.h"

namespace gopet {

// A run of a mask's entries, in their order, that is computed in one way.
struct MaskRun {
  int64_t begin, end;
};

// Sampled products: the columns of dy and of x that the run reads.
struct SampledRun : MaskRun {
  SampledColumns rows, cols;
  int64_t padded() const { return static_cast<int64_t>(rows.entry.size()); }
};

struct MaskPlan {
  int64_t out, in;  // of the weight
  std::vector<int32_t> row, col;
  std::vector<SampledRun> sampled;
  std::vector<MaskRun> dense;

  int64_t entries() const { return static_cast<int64_t>(row.size()); }
};

// The plan for the entries at `index`, ascending flat positions of a weight [out, in]. Kept for as
// long as the index lives.
std::shared_ptr<const MaskPlan> mask_plan(const at::Tensor &index, int64_t out, int64_t in);

}  // namespace gopet
