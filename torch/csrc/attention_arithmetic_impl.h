// The functions of attention_arithmetic.h over vectors of kBytes bytes.
// attention_arithmetic.cc includes this once for each instruction set, in a
// namespace of its own and with its kBytes, so there is no guard.

template <typename T>
using Vec = typename Vector<T, kBytes>::type;

// Numbers as wide as a T, of which comparisons are made.
template <typename T>
using Index = typename Vector<T, kBytes>::index;

template <typename T>
constexpr int kLanes = Vector<T, kBytes>::lanes;

template <typename T>
using Lanes = std::make_integer_sequence<int, kLanes<T>>;

template <typename V, typename T>
inline V read(const T *from) {
  V v;
  std::memcpy(&v, from, sizeof(V));
  return v;
}

template <typename V, typename T>
inline void write(T *to, V v) {
  std::memcpy(to, &v, sizeof(V));
}

// value in every lane. Adding it to zeros would turn -0 to 0.
template <typename T>
inline Vec<T> all(T value) {
  return value - Vec<T>{};
}

template <typename T, int... lane>
inline Index<T> numbers(std::integer_sequence<int, lane...>) {
  return Index<T>{lane...};
}

// The first `valid` lanes of v, and then those of rest.
template <typename T>
inline Vec<T> first_lanes(Vec<T> v, int64_t valid, Vec<T> rest) {
  Index<T> bound = Index<T>{} + static_cast<typename LaneIndex<T>::type>(valid);
  return numbers<T>(Lanes<T>{}) < bound ? v : rest;
}

// n rounded up to whole vectors.
template <typename T>
inline int64_t whole(int64_t n) {
  return (n + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
}

template <typename T, int step, int... lane>
inline Vec<T> swap_lanes(Vec<T> v, std::integer_sequence<int, lane...>) {
#ifdef __clang__
  return __builtin_shufflevector(v, v, (lane ^ step)...);
#else
  return __builtin_shuffle(v, Index<T>{(lane ^ step)...});
#endif
}

// The sum of all lanes.
template <typename T, int step = kLanes<T> / 2>
inline T sum(Vec<T> v) {
  v += swap_lanes<T, step>(v, Lanes<T>{});
  if constexpr (step > 1) return sum<T, step / 2>(v);
  return v[0];
}

template <typename T, int step = kLanes<T> / 2>
inline T largest(Vec<T> v) {
  Vec<T> w = swap_lanes<T, step>(v, Lanes<T>{});
  v = v > w ? v : w;
  if constexpr (step > 1) return largest<T, step / 2>(v);
  return v[0];
}

typedef uint32_t FloatBits __attribute__((vector_size(kBytes)));
typedef uint16_t UpperHalves __attribute__((vector_size(kBytes / 2)));

// A vector of E as one of T.
template <typename E, typename T>
inline Vec<T> widen(const E *from) {
  if constexpr (std::is_same_v<E, T>) {
    return read<Vec<T>>(from);
  } else {
    return (Vec<T>)(__builtin_convertvector(read<UpperHalves>(from), FloatBits) << 16);
  }
}

// Back; to the nearest bfloat16, ties to even.
template <typename E, typename T>
inline void narrow(E *to, Vec<T> v) {
  if constexpr (std::is_same_v<E, T>) {
    write(to, v);
  } else {
    FloatBits bits = (FloatBits)v, quiet_nan = FloatBits{} + 0x7fc0;
    FloatBits rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    FloatBits upper = v == v ? rounded : quiet_nan;
    write(to, __builtin_convertvector(upper, UpperHalves));
  }
}

template <typename E, typename T = typename Computed<E>::type>
void load(const RowCopy<const E, T> &r) {
  constexpr int64_t lanes = kLanes<T>;
  for (int64_t i = 0; i < r.count; i++) {
    const E *from = r.rows + i * r.stride;
    T *to = r.block + i * r.width;
    int64_t j = 0;
    for (; j + lanes <= r.dim; j += lanes) write(to + j, widen<E, T>(from + j) * r.scale);
    if (j < r.dim) {
      E tail[lanes] = {};
      std::memcpy(tail, from + j, (r.dim - j) * sizeof(E));
      write(to + j, widen<E, T>(tail) * r.scale);
    }
  }
}

template <typename E, typename T = typename Computed<E>::type>
void store(const RowCopy<E, const T> &r) {
  constexpr int64_t lanes = kLanes<T>;
  for (int64_t i = 0; i < r.count; i++) {
    E *to = r.rows + i * r.stride;
    const T *from = r.block + i * r.width;
    T scale = r.row_scale == nullptr ? r.scale : r.scale * r.row_scale[i];
    int64_t j = 0;
    for (; j + lanes <= r.dim; j += lanes) narrow<E, T>(to + j, read<Vec<T>>(from + j) * scale);
    if (j < r.dim) {
      E tail[lanes];
      narrow<E, T>(tail, read<Vec<T>>(from + j) * scale);
      std::memcpy(to + j, tail, (r.dim - j) * sizeof(E));
    }
  }
}

template <typename T>
void transpose_block(const T *from, int64_t from_width, int64_t rows, int64_t columns, T *to,
                     int64_t to_width) {
  constexpr int lanes = kLanes<T>;
  for (int64_t i = 0; i < rows; i += lanes) {
    for (int64_t j = 0; j < columns; j += lanes) {
      Vec<T> tile[lanes];
#pragma GCC unroll 16
      for (int l = 0; l < lanes; l++) tile[l] = read<Vec<T>>(from + (i + l) * from_width + j);
      transpose<T, kBytes>(tile);
#pragma GCC unroll 16
      for (int l = 0; l < lanes; l++) write(to + (j + l) * to_width + i, tile[l]);
    }
  }
}

// A tile of a product, whose sums are held in registers.
template <typename T, int rows, int vectors>
void tile(const Product<T> &p, int64_t i, int64_t j) {
  constexpr int64_t lanes = kLanes<T>;
  const T *a = p.a.data + i * p.a.row, *b = p.b.data + j;
  T *c = p.c.data + i * p.c.row + j;
  Vec<T> sums[rows][vectors] = {};
  if (p.add) {
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; v++) sums[r][v] = read<Vec<T>>(c + r * p.c.row + v * lanes);
  }
  int64_t a_row = p.a.row, a_column = p.a.column, b_row = p.b.row;
  for (int64_t k = p.k; k > 0; k--) {
    Vec<T> factors[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) factors[v] = read<Vec<T>>(b + v * lanes);
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; v++) sums[r][v] += all<T>(a[r * a_row]) * factors[v];
    a += a_column;
    b += b_row;
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) write(c + r * p.c.row + v * lanes, sums[r][v]);
}

// The vectors of sums in a tile: most of the registers.
constexpr int kSums = kBytes == 64 ? 24 : 12;
constexpr int kMostRows = 12, kMostVectors = kBytes == 64 ? 4 : 2;

template <typename T, int vectors, int rows>
inline void tile_of(int64_t wanted, const Product<T> &p, int64_t i, int64_t j) {
  if constexpr (rows > 0) {
    if (wanted == rows) return tile<T, rows, vectors>(p, i, j);
    tile_of<T, vectors, rows - 1>(wanted, p, i, j);
  }
}

// Some vectors of columns of a product, in tiles of about equal heights.
template <typename T, int vectors>
inline void panel(const Product<T> &p, int64_t j) {
  constexpr int64_t most = std::min(kSums / vectors, kMostRows);
  for (int64_t i = 0, tiles = (p.m + most - 1) / most; tiles > 0; tiles--) {
    int64_t rows = (p.m - i) / tiles;
    tile_of<T, vectors, most>(rows, p, i, j);
    i += rows;
  }
}

template <typename T, int vectors>
inline void panel_of(int64_t wanted, const Product<T> &p, int64_t j) {
  if constexpr (vectors > 0) {
    if (wanted == vectors) return panel<T, vectors>(p, j);
    panel_of<T, vectors - 1>(wanted, p, j);
  }
}

template <typename T>
void product(const Product<T> &p) {
  int64_t left = p.n / kLanes<T>;
  for (int64_t j = 0, panels = (left + kMostVectors - 1) / kMostVectors; panels > 0; panels--) {
    int64_t vectors = left / panels;
    panel_of<T, kMostVectors>(vectors, p, j);
    j += vectors * kLanes<T>;
    left -= vectors;
  }
}

// 2^x for x up to 0, within an ulp and exact at integers; 0 below -127.
inline Vec<float> exp2(Vec<float> x) {
  // Written so that a NaN stays one.
  Vec<float> lowest = all<float>(-127);
  x = x < lowest ? lowest : x;
  // Adding this leaves the nearest integer in the low bits.
  constexpr float magic = 0x1.8p23f;
  Vec<float> shifted = x + magic, r = x - (shifted - magic);
  // The polynomial closest to 2^r on [-1/2, 1/2] of those with 1 at 0.
  Vec<float> y = all<float>(0.00015353361959569156f);
  y = y * r + 0.0013398875016719103f;
  y = y * r + 0.00961843691766262f;
  y = y * r + 0.055503323674201965f;
  y = y * r + 0.24022647738456726f;
  y = y * r + 0.6931471824645996f;
  y = y * r + 1.0f;
  return (Vec<float>)((Index<float>)y + ((Index<float>)shifted << 23));
}

inline Vec<double> exp2(Vec<double> x) {
  for (int l = 0; l < kLanes<double>; l++) x[l] = std::exp2(x[l]);
  return x;
}

// Draws the factors of a row's weights, a vector at a time: 0 or the scale.
template <typename T>
struct RowDropout {
  typedef std::make_unsigned_t<typename LaneIndex<T>::type> Lane;
  typedef Lane Bits __attribute__((vector_size(kBytes)));

  const Dropout<T> &dropout;
  Lane start, key;

  RowDropout(const Dropout<T> &d, int64_t query) : dropout(d) {
    uint64_t row = mix(mix(d.seed, d.head), static_cast<uint64_t>(query));
    start = static_cast<Lane>(row & 0xffffffff);
    key = static_cast<Lane>(row >> 32);
  }

  // 32 bits of each lane, so that float64 draws what float32 does.
  static inline Bits low(Bits x) { return x & (Bits{} + Lane{0xffffffff}); }

  // For keys from j on: a hash of the key's number, in two rounds of
  // multiplication, with a key of the row's own before each.
  inline Vec<T> factors(int64_t j) const {
    Bits x = (Bits)numbers<T>(Lanes<T>{}) + static_cast<Lane>(j);
    x = low(x * Lane{0x9e3779b9} + start);
    x = low((x ^ (x >> 16)) * Lane{0x7feb352d}) ^ key;
    x = low((x ^ (x >> 15)) * Lane{0x846ca68b});
    x ^= x >> 16;
    return x >= Bits{} + static_cast<Lane>(dropout.threshold) ? all<T>(dropout.scale) : Vec<T>{};
  }
};

// The scores of row i from key j on, with their bias.
template <typename T>
inline Vec<T> scores(const ScoreBlock<T> &b, int64_t i, int64_t j) {
  Vec<T> s = read<Vec<T>>(b.scores + i * b.width + j);
  if (b.bias != nullptr) s += read<Vec<T>>(b.bias - (b.first + i) + j);
  return s;
}

// Adds the bias, and returns the largest score of row i.
template <typename T>
inline T bias_and_maximum(const ScoreBlock<T> &b, int64_t i) {
  T *row = b.scores + i * b.width;
  int64_t keys = visible(b, i);
  Vec<T> first = all<T>(scores(b, i, 0)[0]), most = first;
  for (int64_t j = 0; j < keys; j += kLanes<T>) {
    Vec<T> s = scores(b, i, j);
    if (b.bias != nullptr) write(row + j, s);
    if (keys - j < kLanes<T>) s = first_lanes<T>(s, keys - j, first);
    most = s > most ? s : most;
  }
  return largest<T>(most);
}

// Zeros the vectors of a row that hold hidden keys only.
template <typename T>
inline void clear_hidden(const ScoreBlock<T> &b, int64_t i, T *row) {
  for (int64_t j = whole<T>(visible(b, i)); j < whole<T>(b.keys); j += kLanes<T>)
    write(row + j, Vec<T>{});
}

template <typename T>
void exponentials(const ScoreBlock<T> &b) {
  // Two loops: the rows of each don't wait for one another.
  for (int64_t i = 0; i < b.count; i++) b.maximum[i] = bias_and_maximum(b, i);
  for (int64_t i = 0; i < b.count; i++) {
    T *row = b.scores + i * b.width;
    int64_t keys = visible(b, i);
    Vec<T> total = {}, maximum = all<T>(b.maximum[i]);
    for (int64_t j = 0; j < keys; j += kLanes<T>) {
      Vec<T> e = exp2(read<Vec<T>>(row + j) - maximum);
      if (keys - j < kLanes<T>) e = first_lanes<T>(e, keys - j, Vec<T>{});
      total += e;
      write(row + j, e);
    }
    clear_hidden(b, i, row);
    b.inverse_sum[i] = 1 / sum<T>(total);
    if (!b.dropout.on()) continue;
    RowDropout<T> dropout(b.dropout, b.first + i);
    for (int64_t j = 0; j < keys; j += kLanes<T>)
      write(row + j, read<Vec<T>>(row + j) * dropout.factors(j));
  }
}

template <typename T>
void gradients(const ScoreBlock<T> &b, const ScoreGradient<T> &g) {
  for (int64_t i = 0; i < b.count; i++) {
    T *row = b.scores + i * b.width, *gradient = g.weights_gradient + i * b.width;
    int64_t keys = visible(b, i);
    Vec<T> maximum = all<T>(b.maximum[i]), inverse_sum = all<T>(b.inverse_sum[i]);
    RowDropout<T> dropout(b.dropout, b.first + i);
    // The weights, and the sum over keys of each times its gradient.
    Vec<T> total = {};
    for (int64_t j = 0; j < keys; j += kLanes<T>) {
      Vec<T> weight = exp2(scores(b, i, j) - maximum) * inverse_sum;
      if (keys - j < kLanes<T>) weight = first_lanes<T>(weight, keys - j, Vec<T>{});
      Vec<T> d = read<Vec<T>>(gradient + j);
      if (b.dropout.on()) {
        d *= dropout.factors(j);
        write(gradient + j, d);
      }
      total += weight * d;
      write(row + j, weight);
    }
    Vec<T> mean = all<T>(sum<T>(total));
    for (int64_t j = 0; j < keys; j += kLanes<T>) {
      Vec<T> weight = read<Vec<T>>(row + j);
      write(gradient + j, weight * (read<Vec<T>>(gradient + j) - mean));
      if (b.dropout.on()) write(row + j, weight * dropout.factors(j));
    }
    clear_hidden(b, i, row);
    clear_hidden(b, i, gradient);
    if (g.bias_gradient == nullptr) continue;
    T *bias = g.bias_gradient - (b.first + i);
    for (int64_t j = 0; j < keys; j += kLanes<T>)
      write(bias + j, read<Vec<T>>(bias + j) + read<Vec<T>>(gradient + j));
  }
}

template <typename E, typename T = typename Computed<E>::type>
constexpr Arithmetic<E> kArithmetic = {kLanes<T>,  load<E>,         store<E>,    transpose_block<T>,
                                       product<T>, exponentials<T>, gradients<T>};
