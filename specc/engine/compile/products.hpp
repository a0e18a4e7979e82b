// Products of small matrices, whose sizes are known to the compiler.
//
// The sums of a tile of some rows and up to two vectors of columns stay in registers. MKL takes longer
// to prepare such a product than to compute it.
#ifdef __AVX512F__
#define VECTOR_BYTES 64
#define TILE_ROWS 8
#else
#define VECTOR_BYTES 32
#define TILE_ROWS 4
#endif

template <long L>
struct Columns {
  typedef V type __attribute__((vector_size(L * sizeof(V)), aligned(alignof(V)), may_alias));
};
template <>
struct Columns<1> {
  typedef V type;
};

// R rows and C vectors of L columns of A [N, K] B [K, M], where A has strides P and Q.
template <long R, long C, long L, long K, long M, long P, long Q>
INLINE void tile(const V* __restrict a, const V* __restrict b, V* __restrict c) {
  typedef typename Columns<L>::type T;
  T s[R][C] = {};
  for (long k = 0; k < K; ++k) {
    T y[C];
#pragma GCC unroll 2
    for (long j = 0; j < C; ++j) y[j] = *reinterpret_cast<const T*>(b + k * M + j * L);
#pragma GCC unroll 8
    for (long r = 0; r < R; ++r) {
      const V x = a[r * P + k * Q];
#pragma GCC unroll 2
      for (long j = 0; j < C; ++j) s[r][j] += x * y[j];
    }
  }
#pragma GCC unroll 8
  for (long r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (long j = 0; j < C; ++j) *reinterpret_cast<T*>(c + r * M + j * L) = s[r][j];
}

// All rows of C vectors of L columns.
template <long N, long C, long L, long K, long M, long P, long Q>
INLINE void rows(const V* __restrict a, const V* __restrict b, V* __restrict c) {
  constexpr long WHOLE = N / TILE_ROWS * TILE_ROWS;
  for (long i = 0; i < WHOLE; i += TILE_ROWS)
    tile<TILE_ROWS, C, L, K, M, P, Q>(a + i * P, b, c + i * M);
  if constexpr (WHOLE < N) tile<N - WHOLE, C, L, K, M, P, Q>(a + WHOLE * P, b, c + WHOLE * M);
}

// The columns from FIRST on: pairs of vectors, then one, and then smaller vectors.
template <long FIRST, long L, long N, long K, long M, long P, long Q>
INLINE void columns(const V* __restrict a, const V* __restrict b, V* __restrict c) {
  constexpr long PAIRS = FIRST + (M - FIRST) / (2 * L) * (2 * L);
  constexpr long END = PAIRS + (M - PAIRS) / L * L;
  for (long j = FIRST; j < PAIRS; j += 2 * L) rows<N, 2, L, K, M, P, Q>(a, b + j, c + j);
  if constexpr (PAIRS < END) rows<N, 1, L, K, M, P, Q>(a, b + PAIRS, c + PAIRS);
  if constexpr (END < M) columns<END, L / 2, N, K, M, P, Q>(a, b, c);
}

template <long N, long K, long M, long P, long Q>
INLINE void product(const V* __restrict a, const V* __restrict b, V* __restrict c) {
  columns<0, VECTOR_BYTES / sizeof(V), N, K, M, P, Q>(a, b, c);
}
