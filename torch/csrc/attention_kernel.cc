// Every product runs on blocks that were copied to contiguous memory: keys and
// values whole, queries a block at a time with their whole rows of scores, so
// that a softmax needs no second look at its keys. The scores live in the
// first or second cache and nowhere else.
#include "attention_kernel.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <new>

namespace gopet {
namespace {

constexpr int64_t kCacheLine = 64;

// Queries of a block, and the scores that their number is cut for when there
// are many keys: 256 KiB of floats. A few rows must stay, for the products' sake.
constexpr int64_t kBlockQueries = 48, kLeastQueries = 12;
constexpr int64_t kBlockScores = 1 << 16;

int64_t round_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

// Cuts blocks off memory, each from the start of a cache line on; only counts
// when there is none.
template <typename T>
class Cutter {
 public:
  explicit Cutter(T *memory) : memory_(memory) {}
  Matrix<T> cut(int64_t rows, int64_t width) {
    T *block = memory_ == nullptr ? nullptr : memory_ + used_;
    used_ += round_up(rows * width, kCacheLine / static_cast<int64_t>(sizeof(T)));
    return {block, width, 1};
  }
  int64_t used() const { return used_; }

 private:
  T *memory_;
  int64_t used_ = 0;
};

// The sizes of a head's blocks.
struct Sizes {
  int64_t dim, keys;  // in whole vectors
  int64_t row;        // from one row of scores to the next
  int64_t queries;    // of a block

  Sizes(int64_t lanes, int64_t all_queries, int64_t all_keys, int64_t d)
      : dim(round_up(d, lanes)), keys(round_up(all_keys, lanes)) {
    // An odd number of vectors: the elements of a column then don't fall into
    // a few sets of the cache.
    row = keys / lanes % 2 == 0 ? keys + lanes : keys;
    int64_t most = std::clamp(kBlockScores / row, kLeastQueries, kBlockQueries);
    int64_t blocks = std::max<int64_t>((all_queries + most - 1) / most, 1);
    queries = (all_queries + blocks - 1) / blocks;
  }
};

template <typename E, typename T = typename Computed<E>::type>
class Head {
 public:
  Head(const HeadAttention<E> &a, Workspace &workspace)
      : a_(a), f_(arithmetic<E>()), s_(f_.lanes, a.queries, a.keys, a.dim), workspace_(workspace) {}

  void forward(const Tokens<E> &out) {
    carve([&](Cutter<T> &memory) { carve_forward(memory); });
    load(a_.k, 0, a_.keys, 1, k_);
    load(a_.v, 0, a_.keys, 1, v_);
    transpose(k_, k_transposed_);
    for (Block b = first(); b.count > 0; b = next(b)) {
      load(a_.q, b.first, b.count, q_scale(), q_);
      f_.product({b.count, vectors(b.keys), a_.dim, q_, k_transposed_, scores_, false});
      f_.exponentials(score_block(b));
      f_.product({b.count, s_.dim, b.keys, scores_, v_, rows_, false});
      store(rows_, 1, a_.inverse_sum + b.first, out, b.first, b.count);
    }
  }

  void backward(const Tokens<const E> &dout, const Tokens<E> &dq, const Tokens<E> &dk,
                const Tokens<E> &dv, T *dbias) {
    carve([&](Cutter<T> &memory) {
      carve_forward(memory);
      carve_backward(memory);
    });
    load(a_.k, 0, a_.keys, 1, k_);
    load(a_.v, 0, a_.keys, 1, v_);
    transpose(k_, k_transposed_);
    transpose(v_, v_transposed_);
    std::fill_n(dk_.data, s_.keys * s_.dim, T(0));
    std::fill_n(dv_.data, s_.keys * s_.dim, T(0));
    for (Block b = first(); b.count > 0; b = next(b)) {
      load(a_.q, b.first, b.count, q_scale(), q_);
      load(dout, b.first, b.count, 1, dout_);
      f_.product({b.count, vectors(b.keys), a_.dim, q_, k_transposed_, scores_, false});
      f_.product({b.count, vectors(b.keys), a_.dim, dout_, v_transposed_, dscores_, false});
      f_.gradients(score_block(b), {dscores_.data, dbias});
      if (dv.data != nullptr)
        f_.product({b.keys, s_.dim, b.count, scores_.transposed(), dout_, dv_, true});
      if (dk.data != nullptr)
        f_.product({b.keys, s_.dim, b.count, dscores_.transposed(), q_, dk_, true});
      if (dq.data == nullptr) continue;
      f_.product({b.count, s_.dim, b.keys, dscores_, k_, rows_, false});
      store(rows_, a_.scale, nullptr, dq, b.first, b.count);
    }
    // The scale of the queries is in dk already, and log2(e) too much.
    if (dk.data != nullptr) store(dk_, 1 / kLog2E, nullptr, dk, 0, a_.keys);
    if (dv.data != nullptr) store(dv_, 1, nullptr, dv, 0, a_.keys);
  }

 private:
  struct Block {
    int64_t first, count;  // queries
    int64_t keys;          // that any of them sees
  };

  Block block(int64_t first) const {
    int64_t end = std::min(first + s_.queries, a_.queries);
    return {first, end - first, a_.causal ? std::min(end, a_.keys) : a_.keys};
  }
  Block first() const { return block(0); }
  Block next(const Block &b) const { return block(b.first + b.count); }

  // Carves all blocks from memory that is large enough for them.
  template <typename F>
  void carve(F f) {
    Cutter<T> measure(nullptr);
    f(measure);
    Cutter<T> memory(workspace_.template reserve<T>(measure.used()));
    f(memory);
  }

  void carve_forward(Cutter<T> &memory) {
    q_ = memory.cut(s_.queries, s_.dim);
    k_ = memory.cut(s_.keys, s_.dim);
    v_ = memory.cut(s_.keys, s_.dim);
    k_transposed_ = memory.cut(s_.dim, s_.row);
    scores_ = memory.cut(s_.queries, s_.row);
    rows_ = memory.cut(s_.queries, s_.dim);
  }

  void carve_backward(Cutter<T> &memory) {
    dout_ = memory.cut(s_.queries, s_.dim);
    dk_ = memory.cut(s_.keys, s_.dim);
    dv_ = memory.cut(s_.keys, s_.dim);
    v_transposed_ = memory.cut(s_.dim, s_.row);
    dscores_ = memory.cut(s_.queries, s_.row);
  }

  int64_t vectors(int64_t n) const { return round_up(n, f_.lanes); }

  T q_scale() const { return static_cast<T>(a_.scale * kLog2E); }

  ScoreBlock<T> score_block(const Block &b) const {
    return {b.first,
            b.count,
            b.keys,
            a_.causal,
            a_.bias,
            a_.maximum + b.first,
            a_.inverse_sum + b.first,
            scores_.data,
            scores_.row,
            a_.dropout};
  }

  void load(const Tokens<const E> &t, int64_t first, int64_t count, double scale, Matrix<T> to) {
    f_.load({t.data + first * t.token_stride, t.token_stride, to.data, to.row, count, a_.dim,
             static_cast<T>(scale), nullptr});
  }

  void store(Matrix<T> from, double scale, const T *row_scale, const Tokens<E> &t, int64_t first,
             int64_t count) {
    f_.store({t.data + first * t.token_stride, t.token_stride, from.data, from.row, count, a_.dim,
              static_cast<T>(scale), row_scale});
  }

  // Of all keys, with zeros for those that fill the last vector.
  void transpose(Matrix<T> keys, Matrix<T> to) {
    std::fill(keys.data + a_.keys * keys.row, keys.data + s_.keys * keys.row, T(0));
    f_.transpose(keys.data, keys.row, s_.keys, s_.dim, to.data, to.row);
  }

  const HeadAttention<E> &a_;
  const Arithmetic<E> &f_;
  const Sizes s_;
  Workspace &workspace_;
  Matrix<T> q_, rows_, dout_;              // [queries of a block, dim]
  Matrix<T> k_, v_, dk_, dv_;              // [keys, dim]
  Matrix<T> k_transposed_, v_transposed_;  // [dim, keys]
  Matrix<T> scores_, dscores_;             // [queries of a block, keys]
};

}  // namespace

void *Workspace::bytes(int64_t n) {
  if (n > size_) {
    memory_.reset();
    size_ = 0;
    memory_.reset(std::aligned_alloc(kCacheLine, round_up(n, kCacheLine)));
    if (memory_ == nullptr) throw std::bad_alloc();
    size_ = n;
  }
  return memory_.get();
}

void Workspace::Free::operator()(void *p) const { std::free(p); }

template <typename E>
void attend(const HeadAttention<E> &a, const Tokens<E> &out, Workspace &workspace) {
  Head<E>(a, workspace).forward(out);
}

template <typename E, typename T>
void attend_backward(const HeadAttention<E> &a, const Tokens<const E> &dout, const Tokens<E> &dq,
                     const Tokens<E> &dk, const Tokens<E> &dv, T *dbias, Workspace &workspace) {
  Head<E>(a, workspace).backward(dout, dq, dk, dv, dbias);
}

#define GOPET_ATTENTION(E, T)                                                                 \
  template void attend(const HeadAttention<E> &, const Tokens<E> &, Workspace &);             \
  template void attend_backward(const HeadAttention<E> &, const Tokens<const E> &,            \
                                const Tokens<E> &, const Tokens<E> &, const Tokens<E> &, T *, \
                                Workspace &)
GOPET_ATTENTION(float, float);
GOPET_ATTENTION(double, double);
GOPET_ATTENTION(BFloat16, float);
#undef GOPET_ATTENTION

}  // namespace gopet
