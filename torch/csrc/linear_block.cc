#include "linear_block.h"

#include "masked_gradient.h"

namespace gopet {
namespace {

template <typename T>
Matrix<T> block_matrix(const at::Tensor &sums, int64_t block) {
  int64_t rows = sums.size(1), cols = sums.size(2);
  return {sums.data_ptr<T>() + block * rows * cols, rows, cols};
}

}  // namespace

template <typename T>
LinearForward<T>::LinearForward(const LinearTerm &term, int64_t tokens) : term_(term) {
  if (term.a.defined()) thin_ = at::empty({tokens, term.a.size(0)}, term.weight.options());
}

template <typename T>
void LinearForward<T>::block(const Matrix<T> &y, const Matrix<const T> &x, int64_t first_token) {
  gemm(y, x, Transpose::no, const_matrix<T>(term_.weight), Transpose::yes, false);
  if (!thin_.defined()) return;
  Matrix<T> thin = matrix<T>(thin_).rows_from(first_token, x.rows);
  gemm(thin, x, Transpose::no, const_matrix<T>(term_.a), Transpose::yes, false);
  scale(thin, static_cast<float>(term_.scale));
  gemm(y, thin, Transpose::no, const_matrix<T>(term_.b), Transpose::yes, true);
}

template <typename T>
LinearBackward<T>::LinearBackward(const LinearTerm &term, const at::Tensor &thin,
                                  const std::array<bool, kTermInputs> &wanted, int64_t blocks)
    : term_(term), thin_(thin), wanted_(wanted) {
  auto sums = [&](at::IntArrayRef shape, const at::TensorOptions &options) {
    auto sizes = shape.vec();
    sizes.insert(sizes.begin(), blocks);
    return at::zeros(sizes, options);
  };
  if (wanted[kBias]) bias_sums_ = sums({term.out()}, at::kFloat);
  if (wanted[kValues]) {
    plan_ = mask_plan(term.index, term.out(), term.in());
    int64_t padded = 0;
    for (const SampledRun &r : plan_->sampled) padded += r.padded();
    sampled_sums_ = sums({padded}, at::kFloat);
  }
  if (wanted[kA]) a_sums_ = sums(term.a.sizes(), term.a.options());
  if (wanted[kB]) b_sums_ = sums(term.b.sizes(), term.b.options());
}

// The gradient of thin for a block.
template <typename T>
at::Tensor LinearBackward<T>::thin_gradient(const Matrix<const T> &dy) const {
  at::Tensor dthin = at::empty({dy.rows, term_.a.size(0)}, term_.weight.options());
  gemm(matrix<T>(dthin), dy, Transpose::no, const_matrix<T>(term_.b), Transpose::no, false);
  scale(matrix<T>(dthin), static_cast<float>(term_.scale));
  return dthin;
}

template <typename T>
void LinearBackward<T>::input_gradient(const Matrix<T> &dx, bool accumulate,
                                       const Matrix<const T> &dy) {
  gemm(dx, dy, Transpose::no, const_matrix<T>(term_.weight), Transpose::no, accumulate);
  if (!term_.a.defined()) return;
  at::Tensor dthin = thin_gradient(dy);
  gemm(dx, const_matrix<T>(dthin), Transpose::no, const_matrix<T>(term_.a), Transpose::no, true);
}

template <typename T>
void LinearBackward<T>::add(const Matrix<const T> &dy, const Matrix<const T> &x, int64_t block,
                            int64_t first_token) {
  if (wanted_[kBias]) add_rows(dy, bias_sums_.data_ptr<float>() + block * term_.out());
  if (wanted_[kValues]) {
    float *sums = sampled_sums_.data_ptr<float>() + block * sampled_sums_.size(1);
    for (const SampledRun &r : plan_->sampled) {
      sampled_product(dy, r.rows, x, r.cols, sums);
      sums += r.padded();
    }
  }
  if (wanted_[kA]) {
    at::Tensor dthin = thin_gradient(dy);
    gemm(block_matrix<T>(a_sums_, block), const_matrix<T>(dthin), Transpose::yes, x, Transpose::no,
         false);
  }
  if (wanted_[kB]) {
    auto thin = const_matrix<T>(thin_).rows_from(first_token, dy.rows);
    gemm(block_matrix<T>(b_sums_, block), dy, Transpose::yes, thin, Transpose::no, false);
  }
}

template <typename T>
at::Tensor LinearBackward<T>::masked_gradient(const at::Tensor &dy, const at::Tensor &x) const {
  at::Tensor gradient = at::empty({plan_->entries()}, at::kFloat);
  float *out = gradient.data_ptr<float>();
  at::Tensor total = sum_in_order(sampled_sums_);
  const float *from = total.const_data_ptr<float>();
  for (const SampledRun &r : plan_->sampled) {
    std::copy(from, from + (r.end - r.begin), out + r.begin);
    from += r.padded();
  }
  if (!plan_->dense.empty()) dense_entries(dy.to(at::kFloat), x.to(at::kFloat), *plan_, gradient);
  return gradient;
}

template <typename T>
TermGradients LinearBackward<T>::finish(const at::Tensor &dy, const at::Tensor &x) const {
  TermGradients g;
  if (wanted_[kWeight]) g[kWeight] = at::mm(dy.t(), x);
  if (wanted_[kBias]) g[kBias] = sum_in_order(bias_sums_).to(term_.bias.scalar_type());
  if (wanted_[kValues]) g[kValues] = masked_gradient(dy, x);
  if (wanted_[kA]) g[kA] = sum_in_order(a_sums_);
  if (wanted_[kB]) g[kB] = sum_in_order(b_sums_);
  return g;
}

template class LinearForward<float>;
template class LinearForward<c10::BFloat16>;
template class LinearBackward<float>;
template class LinearBackward<c10::BFloat16>;

}  // namespace gopet
