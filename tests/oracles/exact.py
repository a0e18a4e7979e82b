"""Log-densities, entropies and divergences in mpmath, with the points of the comparisons.

Each is the textbook formula with sufficient precision. An input is a number, a list, or a list of
rows. Points are rounded to float32 before use, so that the functions in both types have the same
inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

from mpmath import mp

Value = Any  # a float, a list of floats, or a list of rows
Point = tuple[Value, ...]

COUNT, POSITIVE, LOGITS, SHARE = "count", "positive", "logits", "share"
PLACE, FIXED = "place", "fixed"


@dataclass(frozen=True)
class Exact:
    """An exact function, the kinds of its inputs, and the points of the comparisons.

    A `count` has no gradient, but its rounding counts in the scale of the error; a `fixed` input is
    not rounded. The unit of a gradient is the size of a `positive` input or of a `share`, 1 for
    `logits`, and for a `place` the scale at that point, which `scale` returns from the inputs.
    Points in `double` are outside the range of float32.
    """

    kinds: tuple[str, ...]
    value: Callable[..., Any]
    points: list[Point]
    double: list[Point] | None = None
    scale: Callable[..., float] = lambda *inputs: abs(inputs[-1])


def lg(x):
    return mp.loggamma(x)


def softplus(x):
    return mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x))


def log_softmax(logits):
    top = max(logits)
    total = top + mp.log(sum(mp.exp(v - top) for v in logits))
    return [v - total for v in logits]


def log_sigmoid(x):
    return -softplus(-x)


def bernoulli(x, logits):
    return log_sigmoid((2 * x - 1) * logits)


def beta(x, a, b):
    log_b = lg(a) + lg(b) - lg(a + b)
    return (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x) - log_b


def binomial(x, n, logits):
    ways = lg(n + 1) - lg(x + 1) - lg(n - x + 1)
    return ways - x * softplus(-logits) - (n - x) * softplus(logits)


def categorical(x, logits):
    return log_softmax(logits)[int(x)]


def cauchy(x, loc, scale):
    return -mp.log(mp.pi * scale) - mp.log1p(((x - loc) / scale) ** 2)


def log_a(logits):
    """A(l) = log((e^l - 1) / l)."""
    size = abs(logits)
    return max(logits, 0) + mp.log(-mp.expm1(-size) / size)


def slope_a(logits):
    return -1 / mp.expm1(-logits) - 1 / logits


def continuous_bernoulli(x, logits):
    return x * logits - log_a(logits)


def dirichlet(x, a):
    each = sum((c - 1) * mp.log(v) - lg(c) for v, c in zip(x, a, strict=True))
    return lg(sum(a)) + each


def discretized_logistic(x, loc, scale, bins):
    last = bins - 1
    upper = ((2 * x + 1 - last) / last - loc) / scale
    lower = ((2 * x - 1 - last) / last - loc) / scale
    found = mp.mpf(0)
    if x < last:
        found += log_sigmoid(upper)
    if x > 0:
        found += log_sigmoid(-lower)
    if 0 < x < last:
        found += mp.log(-mp.expm1(lower - upper))
    return found


def exponential(x, rate):
    return mp.log(rate) - rate * x


def gamma(x, a, rate):
    return a * mp.log(rate) + (a - 1) * mp.log(x) - rate * x - lg(a)


def gumbel(x, loc, scale):
    z = (x - loc) / scale
    return -z - mp.exp(-z) - mp.log(scale)


def half_cauchy(x, scale):
    return mp.log(2) + cauchy(x, 0, scale)


def half_normal(x, scale):
    return mp.log(2) + normal(x, 0, scale)


def half_student_t(x, df, scale):
    return mp.log(2) + student_t(x, df, 0, scale)


def inverse_gamma(x, a, rate):
    return a * mp.log(rate) - (a + 1) * mp.log(x) - rate / x - lg(a)


def laplace(x, loc, scale):
    return -abs(x - loc) / scale - mp.log(2 * scale)


def log_normal(x, loc, scale):
    return normal(mp.log(x), loc, scale) - mp.log(x)


def logistic(x, loc, scale):
    z = abs(x - loc) / scale
    return -z - mp.log(scale) - 2 * mp.log1p(mp.exp(-z))


def multinomial(x, n, logits):
    log_p = log_softmax(logits)
    return lg(n + 1) + sum(v * p - lg(v + 1) for v, p in zip(x, log_p, strict=True))


def lkj_cholesky(x, c):
    """By the product of the integrals over partial correlations, (1 - z^2)^(a - 1)."""
    n, found = len(x), mp.mpf(0)
    for i in range(1, n):
        found += (n - 1 - i + 2 * c - 2) * mp.log(x[i][i])
        a = c + mp.mpf(n - 1 - i) / 2
        found -= (n - i) * (mp.log(mp.pi) / 2 + lg(a) - lg(a + mp.mpf(1) / 2))
    return found


def solved(factor, right):
    """The solution y of L y = right."""
    y = []
    for i, row in enumerate(factor):
        y.append((right[i] - sum(row[j] * y[j] for j in range(i))) / row[i])
    return y


def multivariate_normal(x, loc, factor):
    y = solved(factor, [v - m for v, m in zip(x, loc, strict=True)])
    logs = sum(mp.log(row[i]) for i, row in enumerate(factor))
    return -sum(v * v for v in y) / 2 - logs - len(loc) * mp.log(2 * mp.pi) / 2


def lowrank_multivariate_normal(x, loc, factor, diagonal):
    rows = [[sum(a * b for a, b in zip(f, g, strict=True)) for g in factor] for f in factor]
    (a, b), (_, d) = rows
    a, d = a + diagonal[0], d + diagonal[1]
    y, z = (v - m for v, m in zip(x, loc, strict=True))
    det = a * d - b * b
    squares = (d * y * y - 2 * b * y * z + a * z * z) / det
    return -(squares + mp.log(det)) / 2 - mp.log(2 * mp.pi)


def negative_binomial(x, r, logits):
    ways = lg(x + r) - lg(x + 1) - lg(r)
    return ways - x * softplus(-logits) - r * softplus(logits)


def normal(x, loc, scale):
    return -(((x - loc) / scale) ** 2) / 2 - mp.log(scale) - mp.log(2 * mp.pi) / 2


def one_hot_categorical(x, logits):
    return sum(v * p for v, p in zip(x, log_softmax(logits), strict=True))


def poisson(x, rate):
    return x * mp.log(rate) - rate - lg(x + 1)


def student_t(x, df, loc, scale):
    z = (x - loc) / scale
    constant = lg((df + 1) / 2) - lg(df / 2) - mp.log(mp.pi * df) / 2 - mp.log(scale)
    return constant - (df + 1) / 2 * mp.log1p(z * z / df)


def uniform(x, low, high):
    return -mp.log(high - low)


def weibull(x, scale, k):
    z = k * mp.log(x / scale)
    return mp.log(k / x) + z - mp.exp(z)


def pareto(x, scale, alpha):
    return mp.log(alpha / x) - alpha * mp.log(x / scale)


def generalized_normal(x, loc, scale, power):
    width = 2 * scale * mp.gamma(1 + 1 / power)
    return -((abs(x - loc) / scale) ** power) - mp.log(width)


def von_mises(x, loc, k):
    return k * mp.cos(x - loc) - mp.log(2 * mp.pi * mp.besseli(0, k))


def ordered_logistic(x, predictor, cuts):
    below = -mp.inf if x == 0 else cuts[int(x) - 1] - predictor
    above = mp.inf if x == len(cuts) else cuts[int(x)] - predictor
    found = mp.mpf(0)
    if x < len(cuts):
        found += log_sigmoid(above)
    if x > 0:
        found += log_sigmoid(-below)
    if 0 < x < len(cuts):
        found += mp.log(-mp.expm1(below - above))
    return found


def beta_binomial(x, n, a, b):
    return dirichlet_multinomial([x, n - x], n, [a, b])


def dirichlet_multinomial(x, n, a):
    total = sum(a)
    each = sum(lg(v + c) - lg(c) - lg(v + 1) for v, c in zip(x, a, strict=True))
    return lg(n + 1) + lg(total) - lg(n + total) + each


def multivariate_student_t(x, df, loc, factor):
    y = solved(factor, [v - m for v, m in zip(x, loc, strict=True)])
    logs = sum(mp.log(row[i]) for i, row in enumerate(factor))
    n, square = len(loc), sum(v * v for v in y)
    constant = lg((df + n) / 2) - lg(df / 2) - n * mp.log(mp.pi * df) / 2
    return constant - logs - (df + n) / 2 * mp.log1p(square / df)


def around(locs, scales, distances):
    """Points of a location-scale family: x at given numbers of scales from the location."""
    found = product(locs, scales, (*distances, *(-d for d in distances)))
    return [(loc + z * s, loc, s) for loc, s, z in found if loc + z * s != loc]


def by_mean(sizes, spread=(1e-3, 0.5, 0.9, 1.0, 1.1, 2.0, 1e3)):
    """Pairs of a number and a given multiple of it."""
    return [(a, a * k) for a, k in product(sizes, spread)]


SCALES = (1e-10, 1e-3, 1.0, 1e6)
NEAR = around((0.0, 1.5), SCALES, (1e-6, 0.3, 1.0, 30.0))
HEAVY = NEAR + around((0.0, 1.5), (1e-3, 1.0, 1e3), (1e4, 1e10, 1e22, 1e30))
LOGS = (-1e4, -100.0, -15.0, -1.0, -1e-6, 0.3, 17.0, 30.0, 1e4)
SHAPES = (1e-20, 1e-3, 0.3, 1.0, 2.5, 3.0, 9.9, 10.0, 300.0, 1e6)
COUNTS = (0.0, 1.0, 2.0, 3.0, 12.0, 300.0, 1e6)
TRIPLES = ([0.3, -1.0, 2.0], [0.0, -200.0, 200.0], [1e4, 0.0, -3.0], [1e-6, 0.0, -1e-6])
FACTORS = (
    [[1.0, 0.0], [0.0, 1.0]],
    [[1e-3, 0.0], [2.0, 1e-3]],
    [[1e6, 0.0], [-3.0, 1e-4]],
)


def _negative_binomials() -> list[Point]:
    """Points at counts around the mean r e^l, for r from small to above 1 / eps of float32."""
    means = (0.01, 1.0, 20.0, 1e4, 1e6)
    found = [
        (float(round(m * k)), r, float(mp.log(m / r)))
        for r, m, k in product((0.5, 3.0, 1e3, 1e6, 1e8), means, (0.0, 0.6, 1.0, 1.001, 3.0))
    ]
    return found + [(x, r, v) for x, r, v in product((0.0, 9.0), (1e-20, 1e-3, 7.0), LOGS)]


def _binomials() -> list[Point]:
    found = [(x, n, v) for n, x, v in product((7.0, 1e3), (0.0, 2.0, 7.0), LOGS)]
    for n, p, k in product((1e3, 1e6), (1e-5, 0.1, 0.4999, 0.5, 0.7, 0.99999), (0.9, 1.0, 1.001)):
        found.append((float(min(n, round(n * p * k))), n, float(mp.log(p / (1 - p)))))
    return found


def _betas() -> list[Point]:
    shapes = (1e-6, 0.5, 1.0, 2.5, 30.0, 1e6)
    shares = (1e-30, 1e-6, 0.3, 0.5, 0.999, 1 - 2**-24)
    found = [(x, a, b) for x, a, b in product(shares, shapes, shapes)]
    at = [(a / (a + b) * k, a, b) for a, b, k in product(shapes, shapes, (0.999, 1.0, 1.0001))]
    return found + [p for p in at if 1e-30 < p[0] < 1 - 1e-7]


def _dirichlets() -> list[Point]:
    concentrations = ([2.0, 3.0, 1.5], [1e6, 2e6, 5e5], [1e-6, 1.0, 30.0], [1e6, 0.5, 1e-3])
    values = ([0.2, 0.3, 0.5], [1e-30, 0.25, 0.75], [0.9999, 9e-5, 1e-5])
    found = [(x, a) for x, a in product(values, concentrations)]
    for a in concentrations:
        found.append(([c / sum(a) for c in a], a))
        found.append(([c / sum(a) * k for c, k in zip(a, (1.001, 0.9995, 1.0), strict=True)], a))
    return found


def _gammas(inverse: bool) -> list[Point]:
    found = []
    for a, k, rate in product(SHAPES, (1e-12, 0.5, 0.999, 1.0, 1.3, 1e3), (1e-6, 1.0, 1e10)):
        mean = max(a, 1e-3) * k / rate
        found.append(((1 / mean if inverse else mean), a, rate))
    return [p for p in found if 1e-30 < p[0] < 1e30]


def _weibulls() -> list[Point]:
    spread = (1e-12, 0.5, 0.999, 1.0, 1.3, 20.0)
    found = product((1e-6, 1.0, 1e10), (1e-3, 0.5, 1.0, 3.0, 300.0), spread)
    return [(s * f, s, k) for s, k, f in found if k * float(mp.log(f)) < 60]


def _pooled() -> list[Point]:
    """Counts around their mean for a from small to above 1 / eps of float32, and far from it."""
    found = []
    for n, a, b in product((10.0, 1e3, 1e6), (1e-6, 0.5, 3.0, 1e6, 1e8), (0.5, 30.0, 1e7)):
        for k in (0.0, 0.9, 1.0, 1.001):
            found.append((float(min(n, round(n * a / (a + b) * k))), n, a, b))
    return found + [(x, 7.0, a, 1.0) for x, a in product((0.0, 3.0, 7.0), (1e-20, 1e-3, 1e8))]


CORRELATIONS = (
    [[1.0, 0.0], [0.6, 0.8]],
    [[1.0, 0.0, 0.0], [0.28, 0.96, 0.0], [-0.48, 0.64, 0.6]],
)
DENSITIES: dict[str, Exact] = {
    "bernoulli": Exact((FIXED, LOGITS), bernoulli, [*product((0.0, 1.0), LOGS)]),
    "beta": Exact((SHARE, POSITIVE, POSITIVE), beta, _betas()),
    "beta_binomial": Exact((COUNT, FIXED, POSITIVE, POSITIVE), beta_binomial, _pooled()),
    "binomial": Exact((COUNT, FIXED, LOGITS), binomial, _binomials()),
    "categorical": Exact((FIXED, LOGITS), categorical, [*product((0.0, 1.0, 2.0), TRIPLES)]),
    "cauchy": Exact((PLACE, PLACE, POSITIVE), cauchy, HEAVY, [(1e200, 0.0, 1.0)]),
    "continuous_bernoulli": Exact(
        (SHARE, LOGITS),
        continuous_bernoulli,
        [
            *product(
                (0.0, 1e-3, 0.3, 0.9999, 1.0),
                [s * v for v in (1e-8, 1e-3, 0.3, 0.499, 0.501, 3.0, 30.0, 1e6) for s in (1, -1)],
            )
        ],
    ),
    "dirichlet": Exact((SHARE, POSITIVE), dirichlet, _dirichlets()),
    "dirichlet_multinomial": Exact(
        (COUNT, FIXED, POSITIVE),
        dirichlet_multinomial,
        [
            *(
                ([2.0, 0.0, 5.0], 7.0, a)
                for a in ([1.0, 0.5, 3.0], [1e-6, 30.0, 1e6], [1e8, 1e8, 2e8], [1e-3, 1e-3, 1e-3])
            ),
            ([250000.0, 250500.0, 499500.0], 1e6, [1.0, 1.0, 2.0]),
            ([250000.0, 250500.0, 499500.0], 1e6, [1e6, 1e6, 2e6]),
            ([999000.0, 999.0, 1.0], 1e6, [100.0, 0.1, 1e-4]),
            ([0.0, 0.0, 0.0], 0.0, [1.0, 0.5, 3.0]),
        ],
    ),
    "discretized_logistic": Exact(
        (FIXED, PLACE, POSITIVE, FIXED),
        discretized_logistic,
        [
            *product(
                (0.0, 1.0, 100.0, 254.0, 255.0),
                (-1.0, 0.0, 0.3),
                (1e-20, 1e-6, 1e-3, 0.2, 1e3, 1e6),
                (256.0,),
            )
        ],
        scale=lambda x, loc, scale, bins: scale,
    ),
    "exponential": Exact(
        (POSITIVE, POSITIVE),
        exponential,
        [*product((1e-30, 1e-3, 1.0, 1e6), (1e-10, 1.0, 1e6))],
    ),
    "gamma": Exact((POSITIVE, POSITIVE, POSITIVE), gamma, _gammas(False)),
    "generalized_normal": Exact(
        (PLACE, PLACE, POSITIVE, POSITIVE),
        generalized_normal,
        [
            (*p, b)
            for p in around((0.0, 1.5), (1e-3, 1.0, 1e3), (1e-6, 0.3, 1.0, 30.0))
            for b in (0.1, 0.7, 1.0, 2.0, 7.5)
        ],
        scale=lambda x, loc, scale, power: scale,
    ),
    "gumbel": Exact(
        (PLACE, PLACE, POSITIVE), gumbel, around((0.0, 1.5), SCALES, (1e-6, 0.3, 1.0, 30.0, 80.0))
    ),
    "half_cauchy": Exact(
        (POSITIVE, POSITIVE), half_cauchy, [(x, s) for x, m, s in HEAVY if m == 0 and x > 0]
    ),
    "half_normal": Exact(
        (POSITIVE, POSITIVE), half_normal, [(x, s) for x, m, s in NEAR if m == 0 and x > 0]
    ),
    "half_student_t": Exact(
        (POSITIVE, POSITIVE, POSITIVE),
        half_student_t,
        [(x, df, s) for df in (0.5, 3.0, 30.0) for x, m, s in HEAVY if m == 0 and x > 0],
    ),
    "inverse_gamma": Exact((POSITIVE, POSITIVE, POSITIVE), inverse_gamma, _gammas(True)),
    "laplace": Exact((PLACE, PLACE, POSITIVE), laplace, NEAR),
    "lkj_cholesky": Exact(
        (FIXED, POSITIVE),
        lkj_cholesky,
        [*product(CORRELATIONS, (1e-3, 0.5, 1.0, 2.5, 1e3))],
    ),
    "log_normal": Exact(
        (POSITIVE, PLACE, POSITIVE),
        log_normal,
        [*product((1e-30, 1e-3, 1.01, 1e30), (0.0, -3.0), (1e-3, 1.0, 30.0))],
    ),
    "logistic": Exact((PLACE, PLACE, POSITIVE), logistic, HEAVY),
    "multinomial": Exact(
        (COUNT, FIXED, LOGITS),
        multinomial,
        [
            *(([2.0, 0.0, 5.0], 7.0, logits) for logits in TRIPLES),
            ([250000.0, 250500.0, 499500.0], 1e6, [0.0, 0.0, float(mp.log(2))]),
            ([999000.0, 999.0, 1.0], 1e6, [0.0, -6.9, -13.8]),
            ([1e6, 0.0, 0.0], 1e6, [0.0, -15.0, -14.0]),
        ],
    ),
    "lowrank_multivariate_normal": Exact(
        (PLACE, PLACE, LOGITS, POSITIVE),
        lowrank_multivariate_normal,
        [
            *product(
                ([0.3, -2.0], [30.0, 3.0]),
                ([0.0, 0.0], [0.25, -1.0]),
                ([[0.5], [-0.25]], [[2.0], [1.0]]),
                ([1.0, 0.5], [0.125, 4.0]),
            ),
        ],
        scale=lambda x, loc, factor, diagonal: min(diagonal) ** 0.5,
    ),
    "multivariate_normal": Exact(
        (PLACE, PLACE, POSITIVE),
        multivariate_normal,
        [
            *product(([0.3, -2.0], [1e6, 3.0]), ([0.0, 0.0], [0.25, -1.0]), FACTORS),
        ],
        scale=lambda x, loc, factor: min(abs(factor[0][0]), abs(factor[1][1])),
    ),
    "multivariate_student_t": Exact(
        (PLACE, POSITIVE, PLACE, POSITIVE),
        multivariate_student_t,
        [
            *product(
                ([0.3, -2.0], [1e6, 3.0], [1e25, 1.0]),
                (1e-3, 0.5, 3.0, 30.0, 1e6),
                ([0.0, 0.0], [0.25, -1.0]),
                FACTORS,
            ),
        ],
        scale=lambda x, df, loc, factor: min(abs(factor[0][0]), abs(factor[1][1])),
    ),
    "negative_binomial": Exact((COUNT, POSITIVE, LOGITS), negative_binomial, _negative_binomials()),
    "normal": Exact((PLACE, PLACE, POSITIVE), normal, NEAR),
    "one_hot_categorical": Exact(
        (FIXED, LOGITS),
        one_hot_categorical,
        [*product(([1.0, 0.0, 0.0], [0.0, 0.0, 1.0]), TRIPLES)],
    ),
    "ordered_logistic": Exact(
        (FIXED, LOGITS, LOGITS),
        ordered_logistic,
        [
            *product(
                (0.0, 1.0, 2.0),
                (-100.0, -1.0, 0.3, 30.0, 1e4),
                ([-1.0, 0.5], [0.0, 1e-4], [-30.0, 100.0]),
            )
        ],
    ),
    "pareto": Exact(
        (POSITIVE, POSITIVE, POSITIVE),
        pareto,
        [
            (s * f, s, a)
            for s, f, a in product(
                (1e-6, 1.0, 1e10), (1.0, 1.001, 1.5, 30.0, 1e10), (1e-3, 1.0, 3.0, 1e6)
            )
        ],
    ),
    "poisson": Exact(
        (COUNT, POSITIVE),
        poisson,
        [
            *product(COUNTS, (1e-30, 0.01, 1.0, 40.0, 1e6)),
            *((float(round(m * k)), m) for m in (40.0, 1e6) for k in (0.9, 0.999, 1.0, 1.001)),
        ],
        [(1e15, 1e15 + 1e7), (1e12, 1e12)],
    ),
    "student_t": Exact(
        (PLACE, POSITIVE, PLACE, POSITIVE),
        student_t,
        [
            (x, df, loc, scale)
            for df in (1e-3, 0.5, 3.0, 30.0, 1e6)
            for x, loc, scale in around(
                (0.0, 1.5), (1e-3, 1.0, 1e3), (1e-6, 1.0, 30.0, 1e4, 1e22, 1e30)
            )
        ],
        [(1.0, 1e12, 0.0, 1.0), (3.0, 1e15, 0.0, 1.0), (1e200, 3.0, 0.0, 1.0)],
    ),
    "uniform": Exact(
        (FIXED, PLACE, PLACE),
        uniform,
        [(0.5, 0.0, 1.0), (0.0, -2.0, 1e6), (1.0, 1.0 - 2.0**-12, 1.0), (0.0, -1e30, 1e30)],
        scale=lambda x, low, high: high - low,
    ),
    "von_mises": Exact(
        (PLACE, PLACE, POSITIVE),
        von_mises,
        [*product((0.3, -3.0, 1.5000001), (0.0, 1.5), (1e-10, 0.1, 3.0, 25.0, 31.0, 200.0, 1e6))],
        scale=lambda x, loc, k: 1 / (1 + k) ** 0.5,
    ),
    "weibull": Exact((POSITIVE,) * 3, weibull, _weibulls()),
}


def h_normal(loc, scale):
    return mp.log(scale) + (1 + mp.log(2 * mp.pi)) / 2


def h_beta(a, b):
    log_b = lg(a) + lg(b) - lg(a + b)
    slopes = (a - 1) * mp.digamma(a) + (b - 1) * mp.digamma(b)
    return log_b - slopes + (a + b - 2) * mp.digamma(a + b)


def h_dirichlet(a):
    s = sum(a)
    each = sum(lg(c) - (c - 1) * mp.digamma(c) for c in a)
    return each - lg(s) + (s - len(a)) * mp.digamma(s)


def h_gamma(a, rate):
    return a - mp.log(rate) + lg(a) + (1 - a) * mp.digamma(a)


def h_inverse_gamma(a, rate):
    return a + mp.log(rate) + lg(a) - (1 + a) * mp.digamma(a)


def h_student_t(df, loc, scale):
    half = (df + 1) / 2
    log_z = lg(df / 2) - lg(half) + mp.log(mp.pi * df) / 2
    return half * (mp.digamma(half) - mp.digamma(df / 2)) + log_z + mp.log(scale)


def h_bernoulli(logits):
    s = 1 / (1 + mp.exp(-logits))
    return s * softplus(-logits) + (1 - s) * softplus(logits)


def h_categorical(logits):
    return -sum(mp.exp(v) * v for v in log_softmax(logits))


def h_continuous_bernoulli(logits):
    return log_a(logits) - logits * slope_a(logits)


def h_multivariate_normal(loc, factor):
    logs = sum(mp.log(row[i]) for i, row in enumerate(factor))
    return logs + len(loc) * (1 + mp.log(2 * mp.pi)) / 2


PLACED = [*product((0.0, 1.5), SCALES)]

ENTROPIES: dict[str, Exact] = {
    "bernoulli": Exact((LOGITS,), h_bernoulli, [(v,) for v in LOGS]),
    "beta": Exact((POSITIVE,) * 2, h_beta, [*product((1e-3, 0.5, 2.5, 30.0, 1e6), repeat=2)]),
    "categorical": Exact((LOGITS,), h_categorical, [(v,) for v in TRIPLES]),
    "cauchy": Exact((PLACE, POSITIVE), lambda m, s: mp.log(4 * mp.pi * s), PLACED),
    "continuous_bernoulli": Exact(
        (LOGITS,),
        h_continuous_bernoulli,
        [(s * v,) for v in (1e-8, 0.3, 0.499, 0.501, 30.0, 1e6) for s in (1, -1)],
    ),
    "dirichlet": Exact(
        (POSITIVE,),
        h_dirichlet,
        [([2.0, 3.0, 1.5],), ([1e6, 2e6, 5e5],), ([1e-3, 1.0, 30.0],), ([1e6, 0.5, 1e-2],)],
    ),
    "exponential": Exact((POSITIVE,), lambda r: 1 - mp.log(r), [(1e-10,), (1.0,), (1e6,)]),
    "gamma": Exact((POSITIVE,) * 2, h_gamma, [*product(SHAPES[1:], (1e-6, 1.0, 1e10))]),
    "generalized_normal": Exact(
        (FIXED, POSITIVE, POSITIVE),
        lambda m, s, b: 1 / b + mp.log(2 * s) + lg(1 + 1 / b),
        [*product((0.0,), SCALES, (0.1, 0.7, 1.0, 2.0, 1e6))],
    ),
    "gumbel": Exact((PLACE, POSITIVE), lambda m, s: mp.log(s) + mp.euler + 1, PLACED),
    "half_cauchy": Exact((POSITIVE,), lambda s: mp.log(2 * mp.pi * s), [(s,) for s in SCALES]),
    "half_student_t": Exact(
        (POSITIVE, POSITIVE),
        lambda df, s: h_student_t(df, 0, s) - mp.log(2),
        [*product((0.5, 3.0, 30.0), SCALES)],
    ),
    "half_normal": Exact(
        (POSITIVE,), lambda s: mp.log(s) + (1 + mp.log(mp.pi / 2)) / 2, [(s,) for s in SCALES]
    ),
    "inverse_gamma": Exact(
        (POSITIVE,) * 2, h_inverse_gamma, [*product(SHAPES[1:], (1e-6, 1.0, 1e10))]
    ),
    "laplace": Exact((PLACE, POSITIVE), lambda m, s: 1 + mp.log(2 * s), PLACED),
    "log_normal": Exact((PLACE, POSITIVE), lambda m, s: h_normal(m, s) + m, PLACED),
    "logistic": Exact((PLACE, POSITIVE), lambda m, s: mp.log(s) + 2, PLACED),
    "multivariate_normal": Exact(
        (FIXED, POSITIVE), h_multivariate_normal, [([0.0, 1.0], f) for f in FACTORS]
    ),
    "normal": Exact((PLACE, POSITIVE), h_normal, PLACED),
    "one_hot_categorical": Exact((LOGITS,), h_categorical, [(v,) for v in TRIPLES]),
    "pareto": Exact(
        (POSITIVE,) * 2,
        lambda s, a: mp.log(s / a) + 1 + 1 / a,
        [*product(SCALES, (1e-3, 1.0, 30.0, 1e6))],
    ),
    "student_t": Exact(
        (POSITIVE, PLACE, POSITIVE),
        h_student_t,
        [(df, 0.5, s) for df in (1e-3, 0.5, 3.0, 30.0, 1e6) for s in (1e-3, 1.0)],
        [(1e12, 0.0, 1.0)],
    ),
    "uniform": Exact(
        (PLACE, PLACE),
        lambda low, high: mp.log(high - low),
        [(0.0, 1.0), (-2.0, 1e6), (1.0 - 2.0**-12, 1.0)],
        scale=lambda low, high: high - low,
    ),
    "weibull": Exact(
        (POSITIVE,) * 2,
        lambda s, k: mp.log(s / k) + 1 + mp.euler * (1 - 1 / k),
        [*product(SCALES, (1e-3, 0.5, 1.0, 30.0, 1e6))],
    ),
}
