#include "effective_weight.h"

#include "gemm.h"
#include "rows.h"

namespace gopet {

template <typename T>
EffectiveWeight<T>::EffectiveWeight(const LinearTerm &term, int64_t tokens) : term_(term) {
  constexpr bool exact_enough = std::is_same_v<T, float>;
  if (exact_enough && term.a.defined() && tokens > term.in()) {
    updated_ = at::empty_like(term.weight);
  }
}

template <typename T>
void EffectiveWeight<T>::prepare() {
  if (!has_update()) return;
  Matrix<T> sum = gopet::matrix<T>(updated_);
  copy(sum, const_matrix<T>(term_.weight));
  at::Tensor b = term_.b.clone();
  scale(gopet::matrix<T>(b), static_cast<float>(term_.scale));
  gemm(sum, const_matrix<T>(b), Transpose::no, const_matrix<T>(term_.a), Transpose::no, true);
}

template <typename T>
Matrix<const T> EffectiveWeight<T>::matrix() const {
  return const_matrix<T>(has_update() ? updated_ : term_.weight);
}

template class EffectiveWeight<float>;
template class EffectiveWeight<c10::BFloat16>;

}  // namespace gopet
