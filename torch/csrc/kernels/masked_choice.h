// Which of the two kernels computes a mask's gradient faster: measured
// crossovers, and a model of bytes and operations where nothing was measured.
#pragma once

#include <vector>

#include "masked.h"

namespace gopet {

// What both kernels would have to do for a mask.
struct MaskedWork {
  int64_t k;
  int64_t groups;  // that sampling reads
  int64_t tiles;   // that the product computes
  int64_t tokens;
  int32_t dtype, major, minor;
};

// The density of entries in the tiles that hold any, above which the product
// was faster.
struct Crossover {
  int32_t dtype, major, minor;
  double density;
};

// Empty: nothing has been measured yet.
inline const std::vector<Crossover> measured_crossovers = {};

double sampled_seconds(const MaskedWork &w);
double product_seconds(const MaskedWork &w);

int32_t masked_method(const MaskedWork &w, const Crossover *measured, size_t n);

}  // namespace gopet
