#include <ATen/CPUGeneratorImpl.h>

#include "boundary.h"

using namespace gopet;

gt_error gt_empty(gt_tensor *out, const int64_t *shape, size_t ndim, int32_t dtype,
                  int32_t device) noexcept {
  GT_RESULT(out, 0, at::empty(ints(shape, ndim), options(dtype, device)))
}

gt_error gt_full(gt_tensor *out, const int64_t *shape, size_t ndim, int32_t dtype, int32_t device,
                 double value) noexcept {
  GT_RESULT(out, 0, at::full(ints(shape, ndim), value, options(dtype, device)))
}

gt_error gt_arange(gt_tensor *out, int64_t n, int32_t dtype, int32_t device) noexcept {
  GT_RESULT(out, 0, at::arange(n, options(dtype, device)))
}

// Drawn on the CPU and then moved, so that a seed means the same numbers on
// every device.
gt_error gt_normal(gt_tensor *out, const int64_t *shape, size_t ndim, int32_t dtype, int32_t device,
                   double mean, double std, uint64_t seed) noexcept {
  GT_BOUNDARY(GT_MODE_NO_GRAD, {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
    auto drawn = at::normal(mean, std, ints(shape, ndim), generator, at::kFloat);
    *out = wrap(drawn.to(options(dtype, device)));
  })
}

gt_error gt_alias(gt_tensor *out, gt_tensor a) noexcept { GT_RESULT(out, 0, unwrap(a)) }

gt_error gt_ndim(int64_t *out, gt_tensor a) noexcept { GT_BOUNDARY(0, *out = unwrap(a).dim()) }

gt_error gt_shape(int64_t *out, size_t ndim, gt_tensor a) noexcept {
  GT_BOUNDARY(0, {
    auto sizes = unwrap(a).sizes();
    TORCH_CHECK(sizes.size() == ndim, "the tensor has ", sizes.size(), " dimensions, not ", ndim);
    std::copy(sizes.begin(), sizes.end(), out);
  })
}

gt_error gt_dtype(int32_t *out, gt_tensor a) noexcept {
  GT_BOUNDARY(0, *out = static_cast<int32_t>(unwrap(a).scalar_type()))
}

gt_error gt_device(int32_t *out, gt_tensor a) noexcept {
  GT_BOUNDARY(0, {
    const at::Device device = unwrap(a).device();
    *out = device.is_cpu() ? GT_DEVICE_CPU : device.is_meta() ? GT_DEVICE_META : device.index();
  })
}

gt_error gt_is_contiguous(int32_t *out, gt_tensor a) noexcept {
  GT_BOUNDARY(0, *out = unwrap(a).is_contiguous())
}

gt_error gt_data(void **out, gt_tensor a) noexcept {
  GT_BOUNDARY(0, {
    const at::Tensor &t = unwrap(a);
    TORCH_CHECK(t.is_cpu() && t.is_contiguous(),
                "only a contiguous tensor on the CPU has memory to share");
    *out = t.numel() == 0 ? nullptr : t.data_ptr();
  })
}

gt_error gt_item(double *out, gt_tensor a) noexcept {
  GT_BOUNDARY(GT_MODE_NO_GRAD, *out = unwrap(a).item().toDouble())
}

gt_error gt_to(gt_tensor *out, int32_t mode, gt_tensor a, int32_t dtype, int32_t device) noexcept {
  GT_RESULT(out, mode, unwrap(a).to(options(dtype, device)))
}

gt_error gt_clone(gt_tensor *out, int32_t mode, gt_tensor a) noexcept {
  GT_RESULT(out, mode, unwrap(a).clone())
}

gt_error gt_copy_(gt_tensor dst, gt_tensor src) noexcept {
  GT_BOUNDARY(GT_MODE_NO_GRAD, {
    TORCH_CHECK(unwrap(dst).sizes() == unwrap(src).sizes(), "copy of ", unwrap(src).sizes(),
                " into ", unwrap(dst).sizes());
    unwrap(dst).copy_(unwrap(src));
  })
}

gt_error gt_fill_(gt_tensor a, double value) noexcept {
  GT_BOUNDARY(GT_MODE_NO_GRAD, unwrap(a).fill_(value))
}
