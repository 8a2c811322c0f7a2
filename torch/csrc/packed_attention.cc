#include "packed_attention.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/custom_function.h>

#include <mutex>

#include "attention_cuda.h"
#include "attention_tasks.h"
#include "boundary.h"
#include "padded_attention.h"

using namespace gopet;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

using Options = c10::intrusive_ptr<PackedAttention>;

void check_offsets(const char *name, at::IntArrayRef offsets, int64_t rows, int64_t shortest) {
  TORCH_CHECK(!offsets.empty() && offsets.front() == 0 && offsets.back() == rows, name,
              " offsets must go from 0 to the ", rows, " rows");
  for (size_t i = 0; i + 1 < offsets.size(); i++) {
    TORCH_CHECK(offsets[i + 1] - offsets[i] >= shortest, "sequence ", i, " has ",
                offsets[i + 1] - offsets[i], " ", name, " rows, at least ", shortest, " needed");
  }
}

// Every distance between a query and a key that it may look at must have its row.
void check_bias(const at::Tensor &bias, const PackedAttention &o, int64_t heads) {
  TORCH_CHECK(bias.dim() == 2 && bias.size(1) == heads, "a bias of ", bias.sizes(), " for ", heads,
              " heads, want [distances, heads]");
  int64_t before = 0, after = 0;
  for (int64_t i = 0; i < o.sequences(); i++) {
    before = std::max(before, o.queries(i) - 1);
    if (!o.causal) after = std::max(after, o.keys(i) - 1);
  }
  TORCH_CHECK_INDEX(before <= o.bias_offset && o.bias_offset + after < bias.size(0),
                    "distances from ", -before, " to ", after, " with offset ", o.bias_offset,
                    " lie beyond the ", bias.size(0), " rows of the bias");
}

void check(const AttentionTensors &t, const PackedAttention &o) {
  const at::Tensor &q = t.q, &k = t.k, &v = t.v;
  TORCH_CHECK(q.dim() == 3 && k.dim() == 3 && k.sizes() == v.sizes() && q.size(1) == k.size(1) &&
                  q.size(2) == k.size(2),
              "attention of q ", q.sizes(), ", k ", k.sizes(), ", v ", v.sizes(),
              ", want [tokens, heads, dim]");
  TORCH_CHECK(q.size(1) > 0 && q.size(2) > 0, "attention of q ", q.sizes(),
              ", want at least one head and one dimension");
  TORCH_CHECK(q.scalar_type() == k.scalar_type() && q.scalar_type() == v.scalar_type() &&
                  q.device() == k.device() && q.device() == v.device(),
              "q, k and v must share dtype and device");
  check_offsets("query", o.query_offsets, q.size(0), 0);
  check_offsets("key", o.key_offsets, k.size(0), 1);
  TORCH_CHECK(o.query_offsets.size() == o.key_offsets.size(), o.query_offsets.size(),
              " query offsets and ", o.key_offsets.size(), " key offsets");
  TORCH_CHECK(o.dropout >= 0 && o.dropout < 1, "dropout of ", o.dropout, ", want [0, 1)");
  if (t.bias.defined()) check_bias(t.bias, o, q.size(1));
}

uint64_t draw_seed() {
  auto generator = at::detail::getDefaultCPUGenerator();
  std::lock_guard<std::mutex> lock(generator.mutex());
  return at::check_generator<at::CPUGeneratorImpl>(generator)->random64();
}

// The kernel reads any strides but that of the last dimension.
at::Tensor with_contiguous_rows(const at::Tensor &t) {
  return t.stride(-1) == 1 ? t : t.contiguous();
}

at::Tensor gradient_of(const at::Tensor &t, bool wanted) {
  return wanted ? at::empty(t.sizes(), t.options()) : at::Tensor();
}

// One operation, whose backward joins the three gradients in one.
AttentionTensors parts(const at::Tensor &qkv) {
  std::vector<at::Tensor> p = qkv.unbind(1);
  return {p[0], p[1], p[2], at::Tensor()};
}

std::optional<at::Tensor> if_defined(const at::Tensor &t) {
  return t.defined() ? std::optional(t) : std::nullopt;
}

// Both kernels, forward: writes what backward needs of the softmax, and of the result where it
// does.
at::Tensor attend(const AttentionTensors &t, const PackedAttention &o, at::Tensor &softmax,
                  at::Tensor &kept_out) {
  if (!has_attention_cuda(t, o)) return attention_forward(t, o, softmax);
  return kept_out = attention_cuda_forward(t, o, softmax);
}

void attend_backward(const AttentionTensors &t, const PackedAttention &o, const at::Tensor &softmax,
                     const at::Tensor &kept_out, const at::Tensor &dout, bool wants_bias,
                     AttentionTensors &d) {
  if (kept_out.defined()) {
    attention_cuda_backward(t, o, kept_out, softmax, dout, wants_bias, d);
  } else {
    attention_backward(t, o, softmax, dout, wants_bias, d);
  }
}

// What both functions below keep for backward beside their operands.
void keep(AutogradContext *ctx, variable_list operands, const at::Tensor &bias,
          const at::Tensor &softmax, const at::Tensor &kept_out, const Options &o) {
  operands.insert(operands.end(), {bias, softmax, kept_out});
  ctx->save_for_backward(operands);
  ctx->saved_data["options"] = c10::IValue::make_capsule(o);
}

Options options_of(AutogradContext *ctx) {
  return c10::static_intrusive_pointer_cast<PackedAttention>(
      ctx->saved_data["options"].toCapsule());
}

struct CrossAttention : torch::autograd::Function<CrossAttention> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &q, const at::Tensor &k,
                            const at::Tensor &v, const Options &o,
                            const std::optional<at::Tensor> &bias) {
    AttentionTensors t{q, k, v, bias.value_or(at::Tensor())};
    at::Tensor softmax, kept_out, out = attend(t, *o, softmax, kept_out);
    keep(ctx, {q, k, v}, t.bias, softmax, kept_out, o);
    return out;
  }

  static variable_list backward(AutogradContext *ctx, variable_list gradients) {
    variable_list saved = ctx->get_saved_variables();
    AttentionTensors t{saved[0], saved[1], saved[2], saved[3]}, d;
    d.q = gradient_of(t.q, ctx->needs_input_grad(0));
    d.k = gradient_of(t.k, ctx->needs_input_grad(1));
    d.v = gradient_of(t.v, ctx->needs_input_grad(2));
    // An absent bias has no number to ask by, so it comes last.
    bool wants_bias = t.bias.defined() && ctx->needs_input_grad(3);
    attend_backward(t, *options_of(ctx), saved[4], saved[5], gradients[0].contiguous(), wants_bias,
                    d);
    return {d.q, d.k, d.v, at::Tensor(), d.bias};
  }
};

// Of one tensor, so that its gradient is one as well.
struct SelfAttention : torch::autograd::Function<SelfAttention> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &qkv, const Options &o,
                            const std::optional<at::Tensor> &bias) {
    AttentionTensors t = parts(qkv);
    t.bias = bias.value_or(at::Tensor());
    at::Tensor softmax, kept_out, out = attend(t, *o, softmax, kept_out);
    keep(ctx, {qkv}, t.bias, softmax, kept_out, o);
    return out;
  }

  static variable_list backward(AutogradContext *ctx, variable_list gradients) {
    variable_list saved = ctx->get_saved_variables();
    AttentionTensors t = parts(saved[0]), d;
    t.bias = saved[1];
    at::Tensor dqkv = gradient_of(saved[0], ctx->needs_input_grad(0));
    if (dqkv.defined()) d = parts(dqkv);
    bool wants_bias = t.bias.defined() && ctx->needs_input_grad(1);
    attend_backward(t, *options_of(ctx), saved[2], saved[3], gradients[0].contiguous(), wants_bias,
                    d);
    return {dqkv, at::Tensor(), d.bias};
  }
};

Options options(const gt_attention_options *o, at::IntArrayRef query_offsets,
                at::IntArrayRef key_offsets) {
  auto result = c10::make_intrusive<PackedAttention>();
  result->query_offsets = query_offsets.vec();
  result->key_offsets = key_offsets.vec();
  result->scale = o->scale;
  result->bias_offset = o->bias_offset;
  result->causal = o->causal != 0;
  result->dropout = o->dropout;
  return result;
}

// The kernel draws by this seed, and backward draws the same again.
void seed(PackedAttention &o) {
  if (o.dropout > 0) o.seed = draw_seed();
}

at::Tensor packed_attention(const AttentionTensors &t, const Options &o) {
  check(t, *o);
  if (has_flash_attention(t, *o)) return flash_attention(t, *o);
  if (has_attention_cuda(t, *o)) {
    return CrossAttention::apply(t.q.contiguous(), t.k.contiguous(), t.v.contiguous(), o,
                                 if_defined(t.bias));
  }
  if (!has_attention_kernel(t.q)) return padded_attention(t, *o);
  seed(*o);
  return CrossAttention::apply(with_contiguous_rows(t.q), with_contiguous_rows(t.k),
                               with_contiguous_rows(t.v), o, if_defined(t.bias));
}

at::Tensor packed_self_attention(const at::Tensor &qkv, const at::Tensor &bias, const Options &o) {
  TORCH_CHECK(qkv.dim() == 4 && qkv.size(1) == 3, "self-attention of ", qkv.sizes(),
              ", want [tokens, 3, heads, dim]");
  AttentionTensors t = parts(qkv);
  t.bias = bias;
  check(t, *o);
  if (has_flash_attention(t, *o)) return flash_attention(t, *o);
  if (has_attention_cuda(t, *o)) return SelfAttention::apply(qkv.contiguous(), o, if_defined(bias));
  if (!has_attention_kernel(qkv)) return padded_attention(t, *o);
  seed(*o);
  return SelfAttention::apply(with_contiguous_rows(qkv), o, if_defined(bias));
}

}  // namespace

gt_error gt_packed_attention(gt_tensor *out, int32_t mode, gt_tensor q, gt_tensor k, gt_tensor v,
                             const int64_t *query_offsets, size_t n_query_offsets,
                             const int64_t *key_offsets, size_t n_key_offsets,
                             const gt_attention_options *o) noexcept {
  GT_RESULT(out, mode,
            packed_attention(
                {unwrap(q), unwrap(k), unwrap(v), tensor_or_undefined(o->bias)},
                options(o, ints(query_offsets, n_query_offsets), ints(key_offsets, n_key_offsets))))
}

gt_error gt_packed_self_attention(gt_tensor *out, int32_t mode, gt_tensor qkv,
                                  const int64_t *offsets, size_t n_offsets,
                                  const gt_attention_options *o) noexcept {
  GT_RESULT(out, mode,
            packed_self_attention(unwrap(qkv), tensor_or_undefined(o->bias),
                                  options(o, ints(offsets, n_offsets), ints(offsets, n_offsets))))
}
