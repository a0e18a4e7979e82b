// Numbers of several chains, one in each lane of a vector, and functions of them.
//
// LANES is 1, 2, 4 or 8, and numbers are of type NUMBER, double if there are lanes. A number of the data is the same in every lane. The functions of numbers are
// those of glibc, which has them for vectors of 4 and 8 lanes (libmvec) with errors of a few last
// digits.
#include <cmath>
#include <cstdint>

#define INLINE static inline __attribute__((always_inline))

#ifndef NUMBER
#define NUMBER double
#endif

#if LANES == 1
typedef NUMBER V;
typedef bool M;
#define LANE(x, k) (x)
#define EACH(name, function) \
  INLINE V name(V x) { return function(x); }
#else
typedef double V __attribute__((vector_size(8 * LANES)));
typedef long M __attribute__((vector_size(8 * LANES)));
#define LANE(x, k) ((x)[k])
#define EACH(name, function)                                        \
  INLINE V name(V x) {                                              \
    V y;                                                            \
    for (int k = 0; k < LANES; ++k) y[k] = function(x[k]);          \
    return y;                                                       \
  }
#endif

#if defined(__GLIBC__) && defined(__x86_64__)
#if __GLIBC_PREREQ(2, 35)
#if LANES == 4 && defined(__AVX2__)
#define OF_VECTORS(function) _ZGVdN4v_##function
#elif LANES == 8 && defined(__AVX512F__)
#define OF_VECTORS(function) _ZGVeN8v_##function
#endif
#endif
#endif

#ifdef LOOPS
// The compiler may call these for the numbers of several passes of a loop.
#if defined(__GLIBC__) && defined(__x86_64__)
#if __GLIBC_PREREQ(2, 35)
#define SEVERAL(function)                                                       \
  extern "C" __attribute__((simd("notinbranch"))) double function(double) noexcept; \
  extern "C" __attribute__((simd("notinbranch"))) float function##f(float) noexcept;
SEVERAL(exp)
SEVERAL(log)
SEVERAL(log1p)
SEVERAL(expm1)
SEVERAL(sin)
SEVERAL(cos)
SEVERAL(tan)
SEVERAL(tanh)
SEVERAL(atan)
SEVERAL(erf)
#endif
#endif
#endif

#ifdef OF_VECTORS
#define MATH(name, function)                \
  extern "C" V OF_VECTORS(function)(V);     \
  INLINE V name(V x) { return OF_VECTORS(function)(x); }
#else
#define MATH(name, function) EACH(name, std::function)
#endif

MATH(v_exp, exp)
MATH(v_log, log)
MATH(v_log1p, log1p)
MATH(v_expm1, expm1)
MATH(v_sin, sin)
MATH(v_cos, cos)
MATH(v_tan, tan)
MATH(v_tanh, tanh)
MATH(v_atan, atan)
MATH(v_erf, erf)
EACH(v_erfc, std::erfc)

// e^(x^2) erfc(x); far out the first terms of its series (Abramowitz and Stegun 1964, 7.1.23).
static double erfcx(double x) {
  if (x < 25.0) return std::exp(x * x) * std::erfc(x);
  const double y = 0.5 / (x * x);
  return (1.0 - y * (1.0 - 3.0 * y * (1.0 - 5.0 * y))) / (x * 1.7724538509055160273);
}
static double ndtr(double z) { return 0.5 * std::erfc(-z * 0.70710678118654752440); }
static double log_ndtr(double z) {
  if (z > -1.0) return std::log1p(-0.5 * std::erfc(z * 0.70710678118654752440));
  return std::log(0.5 * erfcx(-z * 0.70710678118654752440)) - 0.5 * z * z;
}
EACH(v_erfcx, erfcx)
EACH(v_ndtr, ndtr)
EACH(v_log_ndtr, log_ndtr)
EACH(v_lgamma, std::lgamma)
EACH(v_sqrt, std::sqrt)
EACH(v_floor, std::floor)
EACH(v_ceil, std::ceil)
EACH(v_trunc, std::trunc)

INLINE V K(double x) { return x - V{}; }
INLINE M T(bool x) { return K(x) != V{}; }

INLINE V where(M chosen, V x, V y) { return chosen ? x : y; }
INLINE V number(M x) { return where(x, K(1.0), K(0.0)); }
INLINE M is_nan(V x) { return x != x; }
INLINE V v_abs(V x) { return where(x < V{}, -x, x); }
INLINE M is_inf(V x) { return v_abs(x) == K(INFINITY); }
INLINE V v_sign(V x) { return number(x > V{}) - number(x < V{}); }
INLINE V v_square(V x) { return x * x; }
INLINE V v_cube(V x) { return x * x * x; }
INLINE V v_relu(V x) { return where(x <= V{}, V{}, x); }
INLINE V v_sigmoid(V x) { return K(1.0) / (K(1.0) + v_exp(-x)); }
INLINE V v_maximum(V x, V y) { return where(is_nan(x), x, where(x > y, x, y)); }
INLINE V v_minimum(V x, V y) { return where(is_nan(x), x, where(x < y, x, y)); }

INLINE V v_pow(V x, V y) {
#if LANES == 1
  return std::pow(x, y);
#else
  V z;
  for (int k = 0; k < LANES; ++k) z[k] = std::pow(x[k], y[k]);
  return z;
#endif
}

// The derivative of lgamma (Abramowitz and Stegun 1964, 6.3.5, 6.3.7 and 6.3.18).
static double psi(double x) {
  if (x <= 0.0) return psi(1.0 - x) - M_PI / std::tan(M_PI * x);
  double found = 0.0;
  for (; x < 10.0; x += 1.0) found -= 1.0 / x;
  const double r = 1.0 / x, s = r * r;
  const double rest = s * (1.0 / 12 - s * (1.0 / 120 - s * (1.0 / 252 - s * (1.0 / 240 - s / 132))));
  return found + std::log(x) - 0.5 * r - rest;
}
EACH(v_digamma, psi)

#ifdef LOOPS
static bool is_outside;

// An index of an axis from its start; `is_outside` tells if there is none.
INLINE long inside(V x, long size) {
  const long i = static_cast<long>(x) + (x < V{} ? size : 0);
  if (i >= 0 && i < size) return i;
  is_outside = true;
  return 0;
}
#endif
