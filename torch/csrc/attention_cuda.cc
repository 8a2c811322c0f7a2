#include "attention_cuda.h"

#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "cuda_kernels.h"

namespace gopet {
namespace {

int64_t longest(const std::vector<int64_t> &offsets) {
  int64_t n = 0;
  for (size_t i = 0; i + 1 < offsets.size(); i++) n = std::max(n, offsets[i + 1] - offsets[i]);
  return n;
}

// Offsets as int32 on a device. All layers of a model ask for the same one or two (an encoder's and
// a decoder's), so the last two are kept.
at::Tensor on_device(const std::vector<int64_t> &offsets, at::Device device) {
  struct Kept {
    std::vector<int64_t> offsets;
    at::Tensor tensor;
  };
  static std::mutex mutex;
  // Never destroyed: at a process' end the device may be gone before its memory is given back.
  static auto &kept = *new std::array<Kept, 2>;
  std::lock_guard<std::mutex> lock(mutex);
  for (const Kept &k : kept)
    if (k.tensor.defined() && k.tensor.device() == device && k.offsets == offsets) return k.tensor;
  std::vector<int32_t> narrow(offsets.begin(), offsets.end());
  at::Tensor tensor =
      to_device(narrow.data(), static_cast<int64_t>(narrow.size() * sizeof(int32_t)), device)
          .view(at::kInt);
  std::swap(kept[0], kept[1]);
  kept[0] = {offsets, tensor};
  return tensor;
}

// The bias as the kernel's table, [heads, distances].
at::Tensor table_of(const at::Tensor &bias) { return bias.t().to(at::kFloat).contiguous(); }

// A call of the kernel, and the tensors that it reads besides those of the attention.
struct Call {
  gk_attention a{};
  at::Tensor cu_q, cu_k, table;

  Call(const AttentionTensors &t, const PackedAttention &o)
      : cu_q(on_device(o.query_offsets, t.q.device())),
        cu_k(on_device(o.key_offsets, t.q.device())),
        table(table_of(t.bias)) {
    a.dtype = dtype_of(t.q);
    a.heads = static_cast<int32_t>(t.q.size(1));
    a.head_dim = static_cast<int32_t>(t.q.size(2));
    a.sequences = static_cast<int32_t>(o.sequences());
    a.causal = o.causal;
    a.scale = static_cast<float>(o.scale);
    a.queries = t.q.size(0);
    a.keys = t.k.size(0);
    a.max_queries = longest(o.query_offsets);
    a.max_keys = longest(o.key_offsets);
    a.cu_q = cu_q.const_data_ptr<int32_t>();
    a.cu_k = cu_k.const_data_ptr<int32_t>();
    a.q = t.q.const_data_ptr();
    a.k = t.k.const_data_ptr();
    a.v = t.v.const_data_ptr();
    a.q_stride = t.q.stride(0);
    a.k_stride = t.k.stride(0);
    a.v_stride = t.v.stride(0);
    a.table = table.const_data_ptr<float>();
    a.distances = table.size(1);
    a.offset = o.bias_offset;
  }
};

// The kernel writes all three gradients.
void *written(at::Tensor &d, const at::Tensor &like) {
  if (!d.defined()) d = at::empty_strided(like.sizes(), like.strides(), like.options());
  return d.data_ptr();
}

bool has_flash_instructions(const CudaKernels &kernels) {
  int32_t major = 0, minor = 0;
  return kernels.gk_compute_capability(&major, &minor) == 0 && major >= 8;
}

}  // namespace

bool has_attention_cuda(const AttentionTensors &t, const PackedAttention &o) {
  const int64_t dim = t.q.size(2);
  return cuda_kernels(t.q) && t.bias.defined() && o.dropout == 0 &&
         (dim == 32 || dim == 64 || dim == 128);
}

at::Tensor attention_cuda_forward(const AttentionTensors &t, const PackedAttention &o,
                                  at::Tensor &logsumexp) {
  const CudaKernels &kernels = *cuda_kernels(t.q);
  c10::DeviceGuard guard(t.q.device());
  Call call(t, o);
  at::Tensor out = at::empty({t.q.size(0), t.q.size(1) * t.q.size(2)}, t.q.options());
  logsumexp = at::empty({t.q.size(1), t.q.size(0)}, t.q.options().dtype(at::kFloat));
  call.a.out = out.data_ptr();
  call.a.logsumexp = logsumexp.data_ptr<float>();
  kernels.check(kernels.gk_attention_forward(&call.a, stream_of(t.q)), "attention");
  return out;
}

void attention_cuda_backward(const AttentionTensors &t, const PackedAttention &o,
                             const at::Tensor &out, const at::Tensor &logsumexp,
                             const at::Tensor &dout, bool wants_bias, AttentionTensors &d) {
  const CudaKernels &kernels = *cuda_kernels(t.q);
  c10::DeviceGuard guard(t.q.device());
  Call call(t, o);
  call.a.out = out.data_ptr();
  call.a.logsumexp = logsumexp.data_ptr<float>();
  at::Tensor workspace = scratch(kernels.gk_attention_workspace(&call.a), t.q), dtable;
  if (wants_bias) dtable = at::empty_like(call.table);
  gk_attention_gradient g{};
  g.dout = dout.const_data_ptr();
  g.dq = written(d.q, t.q);
  g.dk = written(d.k, t.k);
  g.dv = written(d.v, t.v);
  if (wants_bias) g.dtable = dtable.data_ptr<float>();
  g.workspace = workspace.data_ptr();
  kernels.check(kernels.gk_attention_backward(&call.a, &g, stream_of(t.q)), "attention backward");
  if (wants_bias) d.bias = dtable.t().to(t.bias.scalar_type());
}

bool has_flash_attention(const AttentionTensors &t, const PackedAttention &o) {
  const CudaKernels *kernels = t.q.is_cuda() ? cuda_kernels(t.q) : nullptr;
  if (kernels == nullptr || t.bias.defined() || t.q.scalar_type() == at::kFloat) return false;
  c10::DeviceGuard guard(t.q.device());
  // Its causal mask is aligned to the last query and key, ours to the first.
  bool causal = !o.causal || o.query_offsets == o.key_offsets;
  return causal && t.q.size(2) % 8 == 0 && t.q.size(2) <= 256 && has_flash_instructions(*kernels);
}

at::Tensor flash_attention(const AttentionTensors &t, const PackedAttention &o) {
  at::Tensor cu_q = on_device(o.query_offsets, t.q.device());
  at::Tensor cu_k = on_device(o.key_offsets, t.q.device());
  auto result = at::_flash_attention_forward(t.q, t.k, t.v, cu_q, cu_k, longest(o.query_offsets),
                                             longest(o.key_offsets), o.dropout, o.causal,
                                             /*return_debug_mask=*/false, o.scale);
  return std::get<0>(result).flatten(1);
}

}  // namespace gopet
