#include "attention_tasks.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include "attention_kernel.h"

namespace gopet {
namespace {

// Vectors that begin at the last distance of a head read this far beyond it.
constexpr int64_t kOverrun = 16;

// Multiply-adds that are worth a thread.
constexpr double kThreadWork = 1 << 18;

template <typename E>
struct ScalarOf {
  using type = E;
};
template <>
struct ScalarOf<BFloat16> {
  using type = at::BFloat16;
};

template <typename E>
Tokens<const E> tokens(const at::Tensor &t) {
  return {reinterpret_cast<const E *>(t.const_data_ptr<typename ScalarOf<E>::type>()), t.stride(0),
          t.stride(1)};
}

template <typename E>
Tokens<E> writable(const at::Tensor &t) {
  if (!t.defined()) return {};
  return {reinterpret_cast<E *>(t.data_ptr<typename ScalarOf<E>::type>()), t.stride(0),
          t.stride(1)};
}

template <typename E>
Tokens<E> part(const Tokens<E> &t, int64_t token, int64_t head) {
  return t.data == nullptr ? t : t.at(token, head);
}

struct Task {
  int64_t sequence, head;
};

// Longest first, so that the threads end at about the same time.
std::vector<Task> tasks(const PackedAttention &o, int64_t heads) {
  std::vector<int64_t> order(o.sequences());
  std::iota(order.begin(), order.end(), 0);
  auto pairs = [&](int64_t i) { return o.queries(i) * o.keys(i); };
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return pairs(a) > pairs(b); });
  std::vector<Task> list;
  for (int64_t sequence : order)
    for (int64_t head = 0; head < heads; head++) list.push_back({sequence, head});
  return list;
}

// Runs f(task, workspace) for each task on the thread that is free first.
template <typename F>
void run(const PackedAttention &o, int64_t heads, int64_t dim, const F &f) {
  double work = 0;
  for (int64_t i = 0; i < o.sequences(); i++)
    work += static_cast<double>(o.queries(i) * o.keys(i) * heads * dim);
  std::vector<Task> list = tasks(o, heads);
  int64_t threads = std::min(static_cast<int64_t>(work / kThreadWork) + 1,
                             static_cast<int64_t>(at::get_num_threads()));
  std::atomic<size_t> next{0};
  at::parallel_for(0, threads, 1, [&](int64_t, int64_t) {
    Workspace workspace;
    for (size_t i = next++; i < list.size(); i = next++) f(list[i], workspace);
  });
}

// A bias as the kernel reads it: [heads, distances] with room for vectors'
// ends, times log2(e).
at::Tensor by_head(const at::Tensor &bias, at::ScalarType type) {
  if (!bias.defined()) return {};
  return at::constant_pad_nd(bias.to(type).t() * kLog2E, {0, kOverrun}).contiguous();
}

// What the tasks of both directions share.
template <typename E, typename T = typename Computed<E>::type>
class Tasks {
 public:
  Tasks(const AttentionTensors &t, const PackedAttention &o, const at::Tensor &softmax)
      : o_(o),
        heads_(t.q.size(1)),
        dim_(t.q.size(2)),
        queries_(t.q.size(0)),
        q_(tokens<E>(t.q)),
        k_(tokens<E>(t.k)),
        v_(tokens<E>(t.v)),
        bias_(by_head(t.bias, softmax.scalar_type())),
        softmax_(softmax.data_ptr<T>()) {}

  HeadAttention<E> head(const Task &task) const {
    int64_t query = o_.query_offsets[task.sequence], key = o_.key_offsets[task.sequence];
    T *maximum = softmax_ + task.head * queries_ + query;
    const T *bias = nullptr;
    if (bias_.defined())
      bias = bias_.template const_data_ptr<T>() + task.head * bias_.size(1) + o_.bias_offset;
    return {o_.queries(task.sequence),
            o_.keys(task.sequence),
            dim_,
            q_.at(query, task.head),
            k_.at(key, task.head),
            v_.at(key, task.head),
            o_.scale,
            o_.causal,
            bias,
            maximum,
            maximum + heads_ * queries_,
            dropout(task)};
  }

 private:
  Dropout<T> dropout(const Task &task) const {
    return {o_.seed, static_cast<uint64_t>(task.sequence * heads_ + task.head),
            static_cast<uint32_t>(std::ldexp(o_.dropout, 32)),
            static_cast<T>(1 / (1 - o_.dropout))};
  }

  const PackedAttention &o_;
  int64_t heads_, dim_, queries_;
  Tokens<const E> q_, k_, v_;
  at::Tensor bias_;
  T *softmax_;
};

template <typename E>
void forward(const AttentionTensors &t, const PackedAttention &o, const at::Tensor &softmax,
             const at::Tensor &out) {
  Tasks<E> all(t, o, softmax);
  Tokens<E> to = writable<E>(out);
  run(o, t.q.size(1), t.q.size(2), [&](const Task &task, Workspace &workspace) {
    attend(all.head(task), to.at(o.query_offsets[task.sequence], task.head), workspace);
  });
}

// The gradient of a bias, in parts that tasks write alone: for each sequence
// [heads, queries + keys - 1], by distance, with room for vectors' ends.
template <typename T>
class BiasGradient {
 public:
  BiasGradient(const PackedAttention &o, int64_t heads) : o_(o), heads_(heads), first_{0} {
    for (int64_t i = 0; i < o.sequences(); i++) first_.push_back(first_.back() + heads * width(i));
    parts_.assign(first_.back(), T(0));
  }

  // Of key 0 for query 0.
  T *part(const Task &task) {
    return parts_.data() + first_[task.sequence] + task.head * width(task.sequence) +
           std::max<int64_t>(o_.queries(task.sequence) - 1, 0);
  }

  // The sum over sequences, in their order.
  at::Tensor sum(const at::Tensor &bias) {
    at::Tensor total = at::zeros({heads_, bias.size(0)}, c10::CppTypeToScalarType<T>::value);
    T *sums = total.data_ptr<T>();
    for (int64_t i = 0; i < o_.sequences(); i++) {
      int64_t before = std::max<int64_t>(o_.queries(i) - 1, 0);
      int64_t first = o_.bias_offset - before;
      int64_t end = std::min(o_.bias_offset + o_.keys(i), bias.size(0));
      for (int64_t head = 0; head < heads_; head++) {
        const T *from = part({i, head}) - before;
        T *to = sums + head * bias.size(0);
        for (int64_t d = first; d < end; d++) to[d] += from[d - first];
      }
    }
    return total.t().to(bias.scalar_type()).contiguous();
  }

 private:
  int64_t width(int64_t sequence) const {
    return o_.queries(sequence) + o_.keys(sequence) + kOverrun;
  }

  const PackedAttention &o_;
  int64_t heads_;
  std::vector<int64_t> first_;
  std::vector<T> parts_;
};

template <typename E, typename T = typename Computed<E>::type>
void backward(const AttentionTensors &t, const PackedAttention &o, const at::Tensor &softmax,
              const at::Tensor &dout, bool wants_bias, AttentionTensors &d) {
  Tasks<E> all(t, o, softmax);
  Tokens<const E> from = tokens<E>(dout.view(t.q.sizes()));
  Tokens<E> dq = writable<E>(d.q), dk = writable<E>(d.k), dv = writable<E>(d.v);
  std::optional<BiasGradient<T>> dbias;
  if (wants_bias) dbias.emplace(o, t.q.size(1));
  run(o, t.q.size(1), t.q.size(2), [&](const Task &task, Workspace &workspace) {
    int64_t query = o.query_offsets[task.sequence], key = o.key_offsets[task.sequence];
    attend_backward(all.head(task), from.at(query, task.head), part(dq, query, task.head),
                    part(dk, key, task.head), part(dv, key, task.head),
                    dbias ? dbias->part(task) : nullptr, workspace);
  });
  if (dbias) d.bias = dbias->sum(t.bias);
}

// Calls f with a value of the kernel's element type.
template <typename F>
void of_dtype(at::ScalarType dtype, const F &f) {
  if (dtype == at::kFloat) return f(float{});
  if (dtype == at::kDouble) return f(double{});
  return f(BFloat16{});
}

}  // namespace

bool has_attention_kernel(const at::Tensor &t) {
  auto dtype = t.scalar_type();
  return t.is_cpu() && (dtype == at::kFloat || dtype == at::kDouble || dtype == at::kBFloat16);
}

at::Tensor attention_forward(const AttentionTensors &t, const PackedAttention &o,
                             at::Tensor &softmax) {
  at::Tensor out = at::empty({t.q.size(0), t.q.size(1), t.q.size(2)}, t.q.options());
  auto computed = t.q.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  softmax = at::empty({2, t.q.size(1), t.q.size(0)}, computed);
  of_dtype(t.q.scalar_type(), [&](auto e) { forward<decltype(e)>(t, o, softmax, out); });
  return out.view({t.q.size(0), t.q.size(1) * t.q.size(2)});
}

void attention_backward(const AttentionTensors &t, const PackedAttention &o,
                        const at::Tensor &softmax, const at::Tensor &dout, bool wants_bias,
                        AttentionTensors &d) {
  of_dtype(t.q.scalar_type(),
           [&](auto e) { backward<decltype(e)>(t, o, softmax, dout, wants_bias, d); });
}

}  // namespace gopet
