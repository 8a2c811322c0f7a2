// The GPU libraries of libtorch, which the shim does not link: they load where they can.
#pragma once

#include <string>

namespace gopet {

// Why CUDA can't be used, or "" once its libraries are loaded, which the first call does.
const std::string &cuda_obstacle();

// The folder, with a slash at its end, of the library that holds this address.
std::string directory_of(const void *address);

}  // namespace gopet
