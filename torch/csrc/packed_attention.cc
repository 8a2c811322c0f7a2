#include "packed_attention.h"

#include "boundary.h"
#include "padded_attention.h"

using namespace gopet;

namespace {

void check_offsets(const char *name, at::IntArrayRef offsets, int64_t rows, int64_t shortest) {
  TORCH_CHECK(!offsets.empty() && offsets.front() == 0 && offsets.back() == rows, name,
              " offsets must go from 0 to the ", rows, " rows");
  for (size_t i = 0; i + 1 < offsets.size(); i++) {
    TORCH_CHECK(offsets[i + 1] - offsets[i] >= shortest, "sequence ", i, " has ",
                offsets[i + 1] - offsets[i], " ", name, " rows, at least ", shortest, " needed");
  }
}

// Every distance between a query and a key that it may look at must have its row.
void check_bias(const PackedAttention &o, int64_t heads) {
  const at::Tensor &bias = *o.bias;
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

void check(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v,
           const PackedAttention &o) {
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
  if (o.bias) check_bias(o, q.size(1));
}

PackedAttention attention(const gt_attention_options *o, at::IntArrayRef query_offsets,
                          at::IntArrayRef key_offsets) {
  return {query_offsets,  key_offsets,    o->scale,  optional(o->bias),
          o->bias_offset, o->causal != 0, o->dropout};
}

at::Tensor packed_attention(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v,
                            const PackedAttention &o) {
  check(q, k, v, o);
  return padded_attention(q, k, v, o);
}

at::Tensor packed_self_attention(const at::Tensor &qkv, const PackedAttention &o) {
  TORCH_CHECK(qkv.dim() == 4 && qkv.size(1) == 3, "self-attention of ", qkv.sizes(),
              ", want [tokens, 3, heads, dim]");
  return packed_attention(qkv.select(1, 0), qkv.select(1, 1), qkv.select(1, 2), o);
}

}  // namespace

gt_error gt_packed_attention(gt_tensor *out, int32_t mode, gt_tensor q, gt_tensor k, gt_tensor v,
                             const int64_t *query_offsets, size_t n_query_offsets,
                             const int64_t *key_offsets, size_t n_key_offsets,
                             const gt_attention_options *options) noexcept {
  GT_RESULT(out, mode,
            packed_attention(unwrap(q), unwrap(k), unwrap(v),
                             attention(options, ints(query_offsets, n_query_offsets),
                                       ints(key_offsets, n_key_offsets))))
}

gt_error gt_packed_self_attention(gt_tensor *out, int32_t mode, gt_tensor qkv,
                                  const int64_t *offsets, size_t n_offsets,
                                  const gt_attention_options *options) noexcept {
  GT_RESULT(out, mode,
            packed_self_attention(unwrap(qkv), attention(options, ints(offsets, n_offsets),
                                                         ints(offsets, n_offsets))))
}
