#include "linear_block.h"

#include "masked_gradient.h"

namespace gopet {
namespace {

template <typename T>
Matrix<T> block_matrix(const at::Tensor &sums, int64_t block) {
  int64_t rows = sums.size(1), cols = sums.size(2);
  return {sums.data_ptr<T>() + block * rows * cols, rows, cols};
}

// scale x op(m), as wide as an update's rank.
template <typename T>
at::Tensor thin_product(const Matrix<const T> &x, const at::Tensor &m, Transpose tm,
                        double factor) {
  int64_t rank = m.size(tm == Transpose::yes ? 0 : 1);
  at::Tensor thin = at::empty({x.rows, rank}, m.options());
  gemm(matrix<T>(thin), x, Transpose::no, const_matrix<T>(m), tm, false);
  scale(matrix<T>(thin), static_cast<float>(factor));
  return thin;
}

}  // namespace

template <typename T>
LinearForward<T>::LinearForward(const LinearTerm &term, int64_t tokens)
    : term_(term), weight_(term, tokens) {}

template <typename T>
void LinearForward<T>::block(const Matrix<T> &y, const Matrix<const T> &x) const {
  gemm(y, x, Transpose::no, weight_.matrix(), Transpose::yes, false);
  if (!term_.a.defined() || weight_.has_update()) return;
  at::Tensor thin = thin_product<T>(x, term_.a, Transpose::yes, term_.scale);
  gemm(y, const_matrix<T>(thin), Transpose::no, const_matrix<T>(term_.b), Transpose::yes, true);
}

template <typename T>
LinearBackward<T>::LinearBackward(const LinearTerm &term,
                                  const std::array<bool, kTermInputs> &wanted, bool input_wanted,
                                  const Blocks &blocks)
    : term_(term), wanted_(wanted) {
  if (input_wanted) weight_.emplace(term, blocks.tokens);
  auto sums = [&](at::IntArrayRef shape, const at::TensorOptions &options) {
    auto sizes = shape.vec();
    sizes.insert(sizes.begin(), blocks.count);
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
  if (wanted[kB]) b_sums_ = sums(term.b.t().sizes(), term.b.options());
}

template <typename T>
void LinearBackward<T>::prepare() {
  if (weight_) weight_->prepare();
}

template <typename T>
void LinearBackward<T>::input_gradient(const Matrix<T> &dx, bool accumulate,
                                       const Matrix<const T> &dy) const {
  gemm(dx, dy, Transpose::no, weight_->matrix(), Transpose::no, accumulate);
  if (!term_.a.defined() || weight_->has_update()) return;
  at::Tensor dthin = thin_product<T>(dy, term_.b, Transpose::no, term_.scale);
  gemm(dx, const_matrix<T>(dthin), Transpose::no, const_matrix<T>(term_.a), Transpose::no, true);
}

template <typename T>
void LinearBackward<T>::add(const Matrix<const T> &dy, const Matrix<const T> &x, int64_t block) {
  if (wanted_[kBias]) add_rows(dy, bias_sums_.data_ptr<float>() + block * term_.out());
  if (wanted_[kValues]) {
    float *sums = sampled_sums_.data_ptr<float>() + block * sampled_sums_.size(1);
    for (const SampledRun &r : plan_->sampled) {
      sampled_product(dy, r.rows, x, r.cols, sums);
      sums += r.padded();
    }
  }
  if (wanted_[kA]) {
    at::Tensor dthin = thin_product<T>(dy, term_.b, Transpose::no, term_.scale);
    gemm(block_matrix<T>(a_sums_, block), const_matrix<T>(dthin), Transpose::yes, x, Transpose::no,
         false);
  }
  if (wanted_[kB]) {
    at::Tensor thin = thin_product<T>(x, term_.a, Transpose::yes, term_.scale);
    gemm(block_matrix<T>(b_sums_, block), const_matrix<T>(thin), Transpose::yes, dy, Transpose::no,
         false);
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
  if (wanted_[kB]) g[kB] = sum_in_order(b_sums_).t().contiguous();
  return g;
}

template class LinearForward<float>;
template class LinearForward<c10::BFloat16>;
template class LinearBackward<float>;
template class LinearBackward<c10::BFloat16>;

}  // namespace gopet
