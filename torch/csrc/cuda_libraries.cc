#include "cuda_libraries.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <dlfcn.h>

namespace gopet {
namespace {

std::string load() {
  if (dlopen("libcuda.so.1", RTLD_LAZY | RTLD_GLOBAL) == nullptr)
    return "no NVIDIA driver (libcuda.so.1 not found)";
  std::string library =
      directory_of(reinterpret_cast<const void *>(&at::show_config)) + "libtorch_cuda.so";
  if (dlopen(library.c_str(), RTLD_LAZY | RTLD_GLOBAL) == nullptr)
    return std::string("the CUDA libraries of libtorch are not installed (set up with CUDA=1): ") +
           dlerror();
  if (!at::hasCUDA()) return "libtorch_cuda.so loaded but registered no CUDA backend";
  return "";
}

}  // namespace

std::string directory_of(const void *address) {
  Dl_info info;
  if (dladdr(address, &info) == 0) return "";
  std::string path = info.dli_fname;
  return path.substr(0, path.rfind('/') + 1);
}

const std::string &cuda_obstacle() {
  static const std::string obstacle = load();
  return obstacle;
}

}  // namespace gopet
