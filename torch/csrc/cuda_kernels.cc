#include "cuda_kernels.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <cstdlib>

#include "cuda_libraries.h"

namespace gopet {
namespace {

struct Library {
  CudaKernels kernels{};
  std::string obstacle;
  c10::DeviceType device = at::kCUDA;
};

const char *named_library() {
  static const char *const path = std::getenv("GOPET_KERNELS");
  return path;
}

std::string path_of_library() {
  if (named_library() != nullptr) return named_library();
  return directory_of(reinterpret_cast<const void *>(&cuda_kernels)) + "libgopet_cuda.so";
}

// The library's build for the CPU needs nothing of CUDA; the other one finds in the process what
// libtorch_cuda.so has loaded.
Library load() {
  Library l;
  if (named_library() == nullptr && !cuda_obstacle().empty()) {
    l.obstacle = cuda_obstacle();
    return l;
  }
  void *library = dlopen(path_of_library().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    l.obstacle =
        std::string("gopet's CUDA kernels are not installed (set up with CUDA=1): ") + dlerror();
    return l;
  }
#define GOPET_RESOLVE(name)                                                         \
  l.kernels.name = reinterpret_cast<decltype(&::name)>(dlsym(library, #name));      \
  if (l.kernels.name == nullptr) {                                                  \
    l.obstacle = path_of_library() + " has no " #name ": it is of another version"; \
    return l;                                                                       \
  }
  GOPET_CUDA_KERNELS(GOPET_RESOLVE)
#undef GOPET_RESOLVE
  l.device = static_cast<c10::DeviceType>(l.kernels.gk_device_type());
  return l;
}

const Library &library() {
  static const Library l = load();
  return l;
}

}  // namespace

void CudaKernels::check(int error, const char *what) const {
  TORCH_CHECK(error == 0, what, ": ", gk_error_text(error));
}

const CudaKernels *cuda_kernels(const at::Tensor &t) {
  // Tensors on the CPU are not what loads the libraries of GPUs.
  if (!t.is_cuda() && named_library() == nullptr) return nullptr;
  const Library &l = library();
  bool takes =
      l.obstacle.empty() && t.device().type() == l.device && is_kernel_dtype(t.scalar_type());
  return takes ? &l.kernels : nullptr;
}

const std::string &cuda_kernels_obstacle() { return library().obstacle; }

void *stream_of(const at::Tensor &t) {
  if (!t.is_cuda()) return nullptr;
  return c10::impl::VirtualGuardImpl(t.device().type()).getStream(t.device()).native_handle();
}

at::Tensor scratch(int64_t bytes, const at::Tensor &like) {
  return at::empty({bytes}, like.options().dtype(at::kByte));
}

at::Tensor to_device(const void *data, int64_t bytes, at::Device device) {
  at::Tensor host = at::from_blob(const_cast<void *>(data), {bytes}, at::kByte);
  return host.to(device, /*non_blocking=*/true, /*copy=*/true);
}

}  // namespace gopet
