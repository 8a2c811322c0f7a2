// On a CPU a block of tokens goes through all layers before the next, so that what a product writes
// is still in the cache when its activation, residual and norm are computed; the same in backward.
// For the rest, and in float64, libtorch's own operations are composed.
#include "fused_linear.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

#include "blocks.h"
#include "boundary.h"
#include "cuda_kernels.h"
#include "fused_linear_cuda.h"
#include "linear_block.h"
#include "tuned_linear.h"

namespace gopet {
namespace {

using torch::autograd::variable_list;

at::Tensor with_leading_sizes(const at::Tensor &matrix, std::vector<int64_t> sizes) {
  sizes.push_back(matrix.size(1));
  return at::_unsafe_view(matrix, sizes);
}

// What backward needs of the tensors before, between and after the layers.
struct Kept {
  at::Tensor x;                // where a gradient reads it
  bool residual_is_x = false;  // the two get one gradient, through x
  at::Tensor pre;              // [tokens, outs of first], where an activation follows
  at::Tensor sum, mean, rstd;  // the norm's input and statistics
};

struct Shape {
  int64_t width = 0;        // outs of first, all together
  std::vector<int64_t> at;  // where each begins
  int64_t inner, out;       // columns after the activation, of the result

  explicit Shape(const FusedLinear &f) {
    for (const LinearTerm &t : f.first) {
      at.push_back(width);
      width += t.out();
    }
    inner = f.gated ? f.first[0].out() : width;
    out = f.second.empty() ? inner : f.second[0].out();
  }
};

template <typename T>
const T *data_or_null(const at::Tensor &t) {
  return t.defined() ? t.const_data_ptr<T>() : nullptr;
}

RowNorm row_norm(const FusedLinear &f) {
  return {f.norm_weight.const_data_ptr<float>(), data_or_null<float>(f.norm_bias), f.eps};
}

// act of a block of pre.
template <typename T>
void activate_block(const FusedLinear &f, const Shape &shape, const Matrix<T> &y,
                    const Matrix<const T> &pre) {
  if (f.gated) {
    activate_gated(y, pre.columns_from(0, shape.inner), pre.columns_from(shape.inner, shape.inner),
                   f.activation);
  } else {
    activate(y, pre, f.activation);
  }
}

// The gradient dpre of a block of pre, and act once more where it is not null.
template <typename T>
void activate_block_backward(const FusedLinear &f, const Shape &shape, const Matrix<T> &dpre,
                             const Matrix<const T> &dy, const Matrix<const T> &pre,
                             const Matrix<T> *act) {
  if (f.gated) {
    gated_backward(dpre.columns_from(0, shape.inner), dpre.columns_from(shape.inner, shape.inner),
                   dy, pre.columns_from(0, shape.inner), pre.columns_from(shape.inner, shape.inner),
                   act, f.activation);
  } else {
    activation_backward(dpre, dy, pre, act, f.activation);
  }
}

// A matrix that one thread uses for a block after the other.
template <typename T>
struct Scratch {
  at::Tensor memory;
  Scratch(int64_t rows, int64_t cols, const at::Tensor &like)
      : memory(rows * cols > 0 ? at::empty({rows, cols}, like.options()) : at::Tensor()) {}
  Matrix<T> rows(int64_t n) const { return matrix<T>(memory).rows_from(0, n); }
};

// Prepares layers on all threads, each on one.
template <typename Layer>
void prepare(std::vector<Layer> &first, std::optional<Layer> &last) {
  int64_t n = static_cast<int64_t>(first.size());
  at::parallel_for(0, n + (last ? 1 : 0), 1, [&](int64_t begin, int64_t end) {
    at::AutoDispatchBelowAutograd no_grad;
    for (int64_t i = begin; i < end; i++) i < n ? first[i].prepare() : last->prepare();
  });
}

template <typename T>
at::Tensor forward(const at::Tensor &x, const at::Tensor &residual, const FusedLinear &f, bool keep,
                   Kept &kept) {
  Shape shape(f);
  Blocks blocks(x.size(0));
  const bool active = f.activation != Activation::none, second = !f.second.empty();
  at::Tensor out = at::empty({blocks.tokens, shape.out}, x.options());
  if (active && keep) kept.pre = at::empty({blocks.tokens, shape.width}, x.options());
  if (f.norm_weight.defined()) {
    kept.sum = keep ? at::empty_like(out) : out;
    kept.mean = at::empty({blocks.tokens}, at::kFloat);
    kept.rstd = at::empty({blocks.tokens}, at::kFloat);
  }
  std::vector<LinearForward<T>> first;
  for (const LinearTerm &t : f.first) first.emplace_back(t, blocks.tokens);
  std::optional<LinearForward<T>> last;
  if (second) last.emplace(f.second[0], blocks.tokens);
  prepare(first, last);

  blocks.each([&](int64_t begin, int64_t end) {
    Scratch<T> pre_scratch(active && !keep ? blocks.largest() : 0, shape.width, x);
    Scratch<T> act_scratch(active && second ? blocks.largest() : 0, shape.inner, x);
    for (int64_t b = begin; b < end; b++) {
      int64_t token = blocks.begin(b), n = blocks.size(b);
      Matrix<T> y = matrix<T>(out).rows_from(token, n);
      Matrix<T> z = f.norm_weight.defined() ? matrix<T>(kept.sum).rows_from(token, n) : y;
      Matrix<T> pre = !active ? z
                      : keep  ? matrix<T>(kept.pre).rows_from(token, n)
                              : pre_scratch.rows(n);
      // The last bias goes with the residual, where there is one.
      bool bias_later = residual.defined() && !active && !second;
      for (size_t i = 0; i < first.size(); i++) {
        const LinearTerm &t = f.first[i];
        Matrix<T> part = pre.columns_from(shape.at[i], t.out());
        first[i].block(part, const_matrix<T>(x).rows_from(token, n));
        if (t.bias.defined() && !bias_later) add_bias(part, t.bias.const_data_ptr<T>());
      }
      if (active) {
        Matrix<T> act = second ? act_scratch.rows(n) : z;
        activate_block<T>(f, shape, act, pre);
        if (second) last->block(z, act);
      }
      const at::Tensor &bias = second ? f.second[0].bias : f.first[0].bias;
      if (residual.defined()) {
        add_residual<T>(z, second || bias_later ? data_or_null<T>(bias) : nullptr,
                        const_matrix<T>(residual).rows_from(token, n));
      } else if (second && bias.defined()) {
        add_bias(z, bias.const_data_ptr<T>());
      }
      if (f.norm_weight.defined()) {
        normalize<T>(y, z, row_norm(f), kept.mean.data_ptr<float>() + token,
                     kept.rstd.data_ptr<float>() + token);
      }
    }
  });
  return out;
}

// The inputs of an operation, in the order of autograd's edges: x, residual, the norm's weight and
// bias, then those of each term.
constexpr size_t kX = 0, kResidual = 1, kNormWeight = 2, kNormBias = 3, kTerms = 4;

variable_list inputs_of(const at::Tensor &x, const FusedLinear &f) {
  variable_list list{x, f.residual, f.norm_weight, f.norm_bias};
  for (const auto *terms : {&f.first, &f.second})
    for (const LinearTerm &t : *terms)
      list.insert(list.end(), {t.weight, t.bias, t.values, t.a, t.b});
  return list;
}

template <typename T>
variable_list backward(const at::Tensor &dout, const FusedLinear &f, const Kept &kept,
                       const std::vector<bool> &wanted) {
  Shape shape(f);
  Blocks blocks(dout.size(0));
  const bool active = f.activation != Activation::none, second = !f.second.empty();
  const bool norm = f.norm_weight.defined();
  auto want = [&](size_t term) {
    std::array<bool, kTermInputs> w;
    for (size_t i = 0; i < kTermInputs; i++) w[i] = wanted[kTerms + term * kTermInputs + i];
    return w;
  };
  std::vector<LinearBackward<T>> first;
  bool first_all = false;
  for (size_t i = 0; i < f.first.size(); i++) {
    first.emplace_back(f.first[i], want(i), wanted[kX], blocks);
    first_all = first_all || first.back().needs_all();
  }
  std::optional<LinearBackward<T>> last;
  if (second) last.emplace(f.second[0], want(f.first.size()), true, blocks);
  prepare(first, last);
  const bool second_all = second && last->needs_all();

  at::Tensor dsum = norm ? at::empty_like(dout) : dout;
  // x's gradient starts from the residual's, in its place where that is not needed to the end.
  // Without an activation the first layers' products read it.
  const bool joined = kept.residual_is_x && wanted[kX];
  const bool in_place = joined && norm && active && !second_all;
  at::Tensor dx;
  if (wanted[kX])
    dx = in_place ? dsum : at::empty({blocks.tokens, f.first[0].in()}, dout.options());
  at::Tensor dpre = active ? at::Tensor() : dsum, act;
  if (active && first_all) dpre = at::empty({blocks.tokens, shape.width}, dout.options());
  if (active && second_all) act = at::empty({blocks.tokens, shape.inner}, dout.options());
  at::Tensor dnorm[2];
  for (size_t i = 0; i < 2; i++)
    if (norm && wanted[kNormWeight + i])
      dnorm[i] = at::zeros({blocks.count, shape.out}, at::kFloat);

  blocks.each([&](int64_t begin, int64_t end) {
    Scratch<T> act_scratch(
        active && second && !second_all && last->needs_x() ? blocks.largest() : 0, shape.inner,
        dout);
    Scratch<T> dact_scratch(active && second ? blocks.largest() : 0, shape.inner, dout);
    Scratch<T> dpre_scratch(active && !first_all ? blocks.largest() : 0, shape.width, dout);
    for (int64_t b = begin; b < end; b++) {
      int64_t token = blocks.begin(b), n = blocks.size(b);
      Matrix<const T> dz = const_matrix<T>(dsum).rows_from(token, n);
      if (norm) {
        auto sums = [&](size_t i) {
          return dnorm[i].defined() ? dnorm[i].data_ptr<float>() + b * shape.out : nullptr;
        };
        normalize_backward<T>(matrix<T>(dsum).rows_from(token, n),
                              const_matrix<T>(dout).rows_from(token, n),
                              const_matrix<T>(kept.sum).rows_from(token, n), row_norm(f),
                              kept.mean.const_data_ptr<float>() + token,
                              kept.rstd.const_data_ptr<float>() + token, sums(0), sums(1));
      }
      Matrix<const T> dp = dz;
      if (active) {
        Matrix<const T> pre = const_matrix<T>(kept.pre).rows_from(token, n);
        Matrix<T> to = first_all ? matrix<T>(dpre).rows_from(token, n) : dpre_scratch.rows(n);
        if (second) {
          Matrix<T> inner = dact_scratch.rows(n);
          last->input_gradient(inner, false, dz);
          if (last->needs_x()) {
            Matrix<T> a = second_all ? matrix<T>(act).rows_from(token, n) : act_scratch.rows(n);
            activate_block_backward<T>(f, shape, to, inner, pre, &a);
            last->add(dz, a, b);
          } else {
            activate_block_backward<T>(f, shape, to, inner, pre, nullptr);
            last->add(dz, inner, b);
          }
        } else {
          activate_block_backward<T>(f, shape, to, dz, pre, nullptr);
        }
        dp = to;
      }
      for (size_t i = 0; i < first.size(); i++) {
        Matrix<const T> part = dp.columns_from(shape.at[i], f.first[i].out());
        first[i].add(part, kept.x.defined() ? const_matrix<T>(kept.x).rows_from(token, n) : part,
                     b);
      }
      if (!dx.defined()) continue;
      Matrix<T> to = matrix<T>(dx).rows_from(token, n);
      if (joined && !in_place) copy(to, dz);
      for (size_t i = 0; i < first.size(); i++)
        first[i].input_gradient(to, joined || i > 0,
                                dp.columns_from(shape.at[i], f.first[i].out()));
    }
  });

  variable_list g(wanted.size());
  g[kX] = dx;
  if (wanted[kResidual] && !joined) g[kResidual] = dsum;
  for (size_t i = 0; i < 2; i++)
    if (dnorm[i].defined()) g[kNormWeight + i] = dnorm[i].sum(0);
  auto put = [&](size_t term, TermGradients t) {
    std::move(t.begin(), t.end(), g.begin() + kTerms + term * kTermInputs);
  };
  for (size_t i = 0; i < first.size(); i++)
    put(i, first[i].finish(dpre.defined() ? dpre.narrow(1, shape.at[i], f.first[i].out()) : dpre,
                           kept.x));
  if (second) put(first.size(), last->finish(dsum, act));
  return g;
}

struct FusedLinearBackward : torch::autograd::Node {
  FusedLinear f;
  Kept kept;
  std::vector<int64_t> leading;  // sizes of x before its columns

  variable_list apply(variable_list &&gradients) override {
    TORCH_CHECK(!f.first.empty(), "backward through the same fused linear a second time");
    const at::Tensor &dout = gradients[0];
    std::vector<bool> wanted(num_outputs());
    if (!dout.defined()) return variable_list(wanted.size());
    for (size_t i = 0; i < wanted.size(); i++) wanted[i] = task_should_compute_output(i);
    variable_list g = dout.scalar_type() == at::kFloat
                          ? backward<float>(flat(dout), f, kept, wanted)
                          : backward<c10::BFloat16>(flat(dout), f, kept, wanted);
    for (size_t i : {kX, kResidual})
      if (g[i].defined()) g[i] = with_leading_sizes(g[i], leading);
    return g;
  }

  void release_variables() override {
    kept = {};
    f = {};
  }
  std::string name() const override { return "FusedLinearBackward"; }
};

bool tuned(const LinearTerm &t) {
  return t.weight.requires_grad() || t.values.defined() ||
         (t.a.defined() && (t.a.requires_grad() || t.b.requires_grad()));
}

// Checks what the kernels rely on.
void check_term(const LinearTerm &t, int64_t in, const at::Tensor &x) {
  TORCH_CHECK(t.weight.dim() == 2 && t.in() == in, "a weight ", t.weight.sizes(), " for ", in,
              " columns");
  TORCH_CHECK(!t.bias.defined() || (t.bias.dim() == 1 && t.bias.size(0) == t.out()), "a bias ",
              t.bias.sizes(), " for a weight ", t.weight.sizes());
  TORCH_CHECK(!t.a.defined() || (t.a.dim() == 2 && t.b.dim() == 2 && t.a.size(1) == in &&
                                 t.b.size(0) == t.out() && t.a.size(0) == t.b.size(1)),
              "an update ", t.b.sizes(), " ", t.a.sizes(), " of a weight ", t.weight.sizes());
  for (const at::Tensor &p : {t.weight, t.bias, t.a, t.b}) {
    if (!p.defined()) continue;
    TORCH_CHECK(p.scalar_type() == x.scalar_type() && p.device() == x.device(), "a ",
                p.scalar_type(), " parameter on ", p.device(), " for ", x.scalar_type(), " on ",
                x.device());
  }
  TORCH_CHECK(!t.values.defined() || !t.a.defined(), "a mask and a low-rank update of one weight");
  if (t.values.defined()) check_mask(t.index, t.values);
}

void check(const at::Tensor &x, const FusedLinear &f) {
  TORCH_CHECK(x.dim() >= 1 && !f.first.empty() && f.second.size() <= 1, "a fused linear of x ",
              x.sizes(), " with ", f.first.size(), " and ", f.second.size(), " layers");
  for (const LinearTerm &t : f.first) check_term(t, x.size(-1), x);
  bool pair = f.first.size() == 2 && f.first[0].out() == f.first[1].out();
  TORCH_CHECK(!f.gated || (pair && f.activation != Activation::none), "a gate without its pair");
  TORCH_CHECK(f.second.empty() || f.activation != Activation::none,
              "a second layer without an activation before it");
  Shape shape(f);
  for (const LinearTerm &t : f.second) check_term(t, shape.inner, x);
  if (f.residual.defined()) {
    auto sizes = x.sizes().vec();
    sizes.back() = shape.out;
    TORCH_CHECK(f.residual.sizes() == sizes && f.residual.scalar_type() == x.scalar_type(),
                "a residual ", f.residual.scalar_type(), " ", f.residual.sizes(), " of a result ",
                at::IntArrayRef(sizes));
  }
  for (const at::Tensor &p : {f.norm_weight, f.norm_bias})
    TORCH_CHECK(!p.defined() || (p.dim() == 1 && p.size(0) == shape.out), "a norm's ", p.sizes(),
                " for ", shape.out, " columns");
}

bool blockwise(const at::Tensor &x, const FusedLinear &f) {
  if (!x.is_cpu() || (x.scalar_type() != at::kFloat && x.scalar_type() != at::kBFloat16))
    return false;
  for (const at::Tensor &p : {f.norm_weight, f.norm_bias})
    if (p.defined() && p.scalar_type() != at::kFloat) return false;
  return true;
}

at::Tensor in_blocks(const at::Tensor &x, FusedLinear f) {
  variable_list inputs = inputs_of(x, f);
  const bool keep =
      at::GradMode::is_enabled() && torch::autograd::any_variable_requires_grad(inputs);
  at::AutoDispatchBelowADInplaceOrView no_grad;
  Kept kept;
  at::Tensor rows = flat(x), out;
  at::Tensor residual = f.residual.defined() ? flat(f.residual) : at::Tensor();
  for (auto *terms : {&f.first, &f.second})
    for (LinearTerm &t : *terms)
      for (at::Tensor *p : {&t.weight, &t.bias, &t.a, &t.b})
        if (p->defined()) *p = p->contiguous();
  out = x.scalar_type() == at::kFloat ? forward<float>(rows, residual, f, keep, kept)
                                      : forward<c10::BFloat16>(rows, residual, f, keep, kept);
  auto leading = x.sizes().slice(0, x.dim() - 1).vec();
  out = with_leading_sizes(out, leading);
  if (!keep) return out;
  std::shared_ptr<FusedLinearBackward> node(new FusedLinearBackward, torch::autograd::deleteNode);
  node->set_next_edges(torch::autograd::collect_next_edges(inputs));
  if (std::any_of(f.first.begin(), f.first.end(), tuned)) kept.x = rows;
  kept.residual_is_x = f.residual.is_same(x);
  f.residual.reset();
  node->f = std::move(f);
  node->kept = std::move(kept);
  node->leading = std::move(leading);
  torch::autograd::set_history(out, node);
  return out;
}

at::Tensor composed(const at::Tensor &x, const FusedLinear &f) {
  std::vector<at::Tensor> parts;
  for (const LinearTerm &t : f.first) parts.push_back(tuned_linear(x, t));
  at::Tensor y = f.gated
                     ? activated(parts[0], f.activation).mul(parts[1])
                     : activated(parts.size() == 1 ? parts[0] : at::cat(parts, -1), f.activation);
  if (!f.second.empty()) y = tuned_linear(y, f.second[0]);
  if (f.residual.defined()) y = y.add(f.residual);
  return f.norm_weight.defined() ? layer_normed(y, f) : y;
}

}  // namespace

at::Tensor activated(const at::Tensor &x, Activation act) {
  switch (act) {
    case Activation::none:
      return x;
    case Activation::gelu:
      return at::gelu(x);
    case Activation::gelu_tanh:
      return at::gelu(x, "tanh");
    case Activation::relu:
      return at::relu(x);
    case Activation::silu:
      return at::silu(x);
    case Activation::tanh:
      return at::tanh(x);
  }
  TORCH_CHECK(false, "activation ", static_cast<int>(act));
}

at::Tensor tuned_linear(const at::Tensor &x, const LinearTerm &t) {
  std::optional<at::Tensor> bias;
  if (t.bias.defined()) bias = t.bias;
  if (t.values.defined()) return masked_linear(x, t.weight, bias, t.values, t.index);
  if (t.a.defined()) return low_rank_linear(x, t.weight, bias, t.a, t.b, t.scale);
  return at::linear(x, t.weight, bias);
}

at::Tensor layer_normed(const at::Tensor &y, const FusedLinear &f) {
  auto dtype = f.norm_weight.scalar_type();
  return at::layer_norm(y.to(dtype), f.norm_weight.sizes(), f.norm_weight, f.norm_bias, f.eps)
      .to(y.scalar_type());
}

at::Tensor fused_linear(const at::Tensor &x, const FusedLinear &f) {
  check(x, f);
  if (cuda_kernels(x)) return fused_linear_cuda(x, f);
  return blockwise(x, f) ? in_blocks(x, f) : composed(x, f);
}

}  // namespace gopet

using namespace gopet;

namespace {

std::vector<LinearTerm> terms(const gt_linear_term *list, size_t n) {
  std::vector<LinearTerm> terms;
  for (size_t i = 0; i < n; i++) {
    const gt_linear_term &t = list[i];
    terms.push_back({tensor_or_undefined(t.weight), tensor_or_undefined(t.bias),
                     tensor_or_undefined(t.values), tensor_or_undefined(t.index),
                     tensor_or_undefined(t.a), tensor_or_undefined(t.b), t.scale});
  }
  return terms;
}

}  // namespace

gt_error gt_fused_linear(gt_tensor *out, int32_t mode, gt_tensor x, const gt_linear_term *layers,
                         size_t first, size_t second, const gt_fused_linear_options *o) noexcept {
  GT_BOUNDARY(mode, {
    FusedLinear f{terms(layers, first),
                  static_cast<Activation>(o->activation),
                  o->gated != 0,
                  terms(layers + first, second),
                  tensor_or_undefined(o->residual),
                  tensor_or_undefined(o->norm_weight),
                  tensor_or_undefined(o->norm_bias),
                  o->eps};
    *out = wrap(fused_linear(unwrap(x), f));
  })
}
