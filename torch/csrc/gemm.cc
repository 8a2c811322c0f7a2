#include "gemm.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>

// MKL's, which libtorch brings along. Called without a packed operand it is a plain product,
// without the checks and views of at::mm, which take as long as a small product.
extern "C" __attribute__((weak)) void cblas_sgemm_compute(int layout, int ta, int tb, int m, int n,
                                                          int k, const float *a, int lda,
                                                          const float *b, int ldb, float beta,
                                                          float *c, int ldc);
extern "C" __attribute__((weak)) int MKL_Set_Num_Threads_Local(int threads);

namespace gopet {
namespace {

constexpr int kRowMajor = 101, kNoTranspose = 111, kTranspose = 112;  // CBLAS's numbers

int blas(Transpose t) { return t == Transpose::yes ? kTranspose : kNoTranspose; }

template <typename T>
at::Tensor view(const Matrix<T> &m, Transpose t) {
  using Element = std::remove_const_t<T>;
  at::Tensor v = at::from_blob(const_cast<Element *>(m.data), {m.rows, m.cols}, {m.stride, 1},
                               c10::CppTypeToScalarType<Element>::value);
  return t == Transpose::yes ? v.t() : v;
}

template <typename T>
void by_libtorch(const Matrix<T> &c, const Matrix<const T> &a, Transpose ta,
                 const Matrix<const T> &b, Transpose tb, bool accumulate) {
  at::AutoDispatchBelowAutograd no_grad;
  at::Tensor out = view(c, Transpose::no);
  if (accumulate) {
    at::addmm_out(out, out, view(a, ta), view(b, tb));
  } else {
    at::mm_out(out, view(a, ta), view(b, tb));
  }
}

}  // namespace

void gemm(const Matrix<float> &c, const Matrix<const float> &a, Transpose ta,
          const Matrix<const float> &b, Transpose tb, bool accumulate) {
  if (cblas_sgemm_compute == nullptr) return by_libtorch(c, a, ta, b, tb, accumulate);
  int64_t k = ta == Transpose::yes ? a.rows : a.cols;
  auto narrow = [](int64_t n) { return static_cast<int>(n); };
  cblas_sgemm_compute(kRowMajor, blas(ta), blas(tb), narrow(c.rows), narrow(c.cols), narrow(k),
                      a.data, narrow(a.stride), b.data, narrow(b.stride), accumulate ? 1.f : 0.f,
                      c.data, narrow(c.stride));
}

void gemm(const Matrix<c10::BFloat16> &c, const Matrix<const c10::BFloat16> &a, Transpose ta,
          const Matrix<const c10::BFloat16> &b, Transpose tb, bool accumulate) {
  by_libtorch(c, a, ta, b, tb, accumulate);
}

ProductsOfOneThread::ProductsOfOneThread()
    : previous_(MKL_Set_Num_Threads_Local == nullptr ? 0 : MKL_Set_Num_Threads_Local(1)) {}

ProductsOfOneThread::~ProductsOfOneThread() {
  if (MKL_Set_Num_Threads_Local != nullptr) MKL_Set_Num_Threads_Local(previous_);
}

}  // namespace gopet
