// The number of threads one call may use.
#pragma once

namespace gopet {

// OpenMP keeps its thread count per OS thread, and Go calls from many: each
// call brings its thread up to date with the number last set.
void apply_num_threads();

}  // namespace gopet
