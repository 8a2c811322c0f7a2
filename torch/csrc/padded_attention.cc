#include "padded_attention.h"

#include <algorithm>
#include <limits>

namespace gopet {
namespace {

// Where sequences lie in a packed tensor and in one padded to the longest of them.
struct Layout {
  int64_t longest;
  at::Tensor row;    // [sequences, longest]: the packed row of each position, any row for padding
  at::Tensor valid;  // [sequences, longest]: false for padding
};

Layout layout(at::IntArrayRef offsets, at::Device device) {
  auto options = at::TensorOptions().dtype(at::kLong);
  at::Tensor bounds = at::tensor(offsets, options).to(device);
  at::Tensor first = bounds.slice(0, 0, -1).unsqueeze(1), end = bounds.slice(0, 1).unsqueeze(1);
  int64_t longest = 0;
  for (size_t i = 0; i + 1 < offsets.size(); i++)
    longest = std::max(longest, offsets[i + 1] - offsets[i]);
  at::Tensor row = first + at::arange(longest, options.device(device));
  at::Tensor valid = row < end;
  return {longest, row.clamp_max(std::max<int64_t>(offsets.back() - 1, 0)), valid};
}

// Rows [tokens, heads, dim] as [sequences, heads, longest, dim].
at::Tensor pad(const at::Tensor &t, const Layout &l) {
  at::Tensor rows = t.index_select(0, l.row.reshape({-1}));
  return rows.view({l.row.size(0), l.longest, t.size(1), t.size(2)}).transpose(1, 2);
}

// What is added to the scores, broadcast to [sequences, heads, queries, keys].
at::Tensor mask(const Layout &queries, const Layout &keys, const PackedAttention &o,
                const AttentionTensors &t) {
  at::Tensor distance = at::arange(keys.longest, keys.row.options()).unsqueeze(0) -
                        at::arange(queries.longest, keys.row.options()).unsqueeze(1);
  at::Tensor hidden = keys.valid.logical_not().unsqueeze(1).unsqueeze(1);
  if (o.causal) hidden = hidden.logical_or(distance > 0);
  at::Tensor added = at::zeros({1}, t.q.options());
  if (t.bias.defined()) {
    // Pairs with padding may lie further apart than any two tokens.
    at::Tensor row = (distance + o.bias_offset).clamp(0, t.bias.size(0) - 1);
    added = t.bias.index_select(0, row.view({-1})).to(t.q.scalar_type());
    added =
        added.view({queries.longest, keys.longest, t.q.size(1)}).permute({2, 0, 1}).unsqueeze(0);
  }
  return added.masked_fill(hidden, -std::numeric_limits<double>::infinity());
}

}  // namespace

at::Tensor padded_attention(const AttentionTensors &t, const PackedAttention &o) {
  Layout queries = layout(o.query_offsets, t.q.device()),
         keys = layout(o.key_offsets, t.q.device());
  at::Tensor context =
      at::scaled_dot_product_attention(pad(t.q, queries), pad(t.k, keys), pad(t.v, keys),
                                       mask(queries, keys, o, t), o.dropout, false, o.scale);
  at::Tensor rows =
      context.transpose(1, 2).reshape({queries.row.numel(), t.q.size(1) * t.q.size(2)});
  return rows.index_select(0, queries.valid.view({-1}).nonzero().view({-1}));
}

}  // namespace gopet
