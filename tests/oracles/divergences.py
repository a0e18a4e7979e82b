"""Divergences in mpmath, with points: the parameters of both distributions."""

from __future__ import annotations

from itertools import product

from mpmath import mp

from tests.oracles.exact import (
    FACTORS,
    LOGITS,
    PLACE,
    POSITIVE,
    TRIPLES,
    Exact,
    lg,
    log_a,
    log_softmax,
    slope_a,
    softplus,
    solved,
)


def bernoulli(a, b):
    s = 1 / (1 + mp.exp(-a))
    return s * (softplus(-b) - softplus(-a)) + (1 - s) * (softplus(b) - softplus(a))


def dirichlet(a, b):
    n, m = sum(a), sum(b)
    found = lg(n) - lg(m)
    for c, d in zip(a, b, strict=True):
        found += lg(d) - lg(c) + (c - d) * (mp.digamma(c) - mp.digamma(n))
    return found


def beta(a, b, c, d):
    return dirichlet([a, b], [c, d])


def categorical(a, b):
    pairs = zip(log_softmax(a), log_softmax(b), strict=True)
    return sum(mp.exp(p) * (p - q) for p, q in pairs)


def cauchy(loc, scale, other_loc, other_scale):
    squares = (scale + other_scale) ** 2 + (loc - other_loc) ** 2
    return mp.log(squares / (4 * scale * other_scale))


def continuous_bernoulli(a, b):
    return log_a(b) - log_a(a) + (a - b) * slope_a(a)


def exponential(rate, other_rate):
    return other_rate / rate - 1 - mp.log(other_rate / rate)


def gamma(a, rate, b, other_rate):
    r = other_rate / rate
    return (a - b) * mp.digamma(a) - lg(a) + lg(b) - b * mp.log(r) + a * (r - 1)


def laplace(loc, scale, other_loc, other_scale):
    r, d = scale / other_scale, abs(loc - other_loc) / other_scale
    return d + r * mp.exp(-d / r) - mp.log(r) - 1


def normal(loc, scale, other_loc, other_scale):
    r, t = scale / other_scale, (loc - other_loc) / other_scale
    return (r * r + t * t - 1) / 2 - mp.log(r)


def multivariate_normal(loc, factor, other_loc, other_factor):
    n = len(loc)
    columns = [[factor[i][j] if i >= j else mp.mpf(0) for i in range(n)] for j in range(n)]
    columns.append([v - m for v, m in zip(loc, other_loc, strict=True)])
    squares = sum(y * y for column in columns for y in solved(other_factor, column))
    logs = sum(mp.log(other_factor[i][i] / factor[i][i]) for i in range(n))
    return (squares - n) / 2 + logs


def poisson(rate, other_rate):
    return rate * mp.log(rate / other_rate) + other_rate - rate


def uniform(low, high, other_low, other_high):
    return mp.log((other_high - other_low) / (high - low))


def _placed():
    locs = ((0.0, 0.0), (1.5, 1.5 + 2.0**-13), (0.0, -3.0), (1e4, 0.0))
    scales = ((1.0, 1.0), (1.0, 1.0 + 2.0**-13), (1e-3, 2.0), (1e6, 1e3))
    return [(p, s, q, t) for (p, q), (s, t) in product(locs, scales)]


def _logits():
    values = (-1e4, -100.0, -3.0, -1e-6, 0.4, 30.0, 1e4)
    return [*product(values, values), (0.4, 0.4 + 2.0**-13), (100.0, 100.5)]


def _gammas():
    alike = (1e-3, 0.3, 2.5, 300.0, 1e6)
    pairs = [(a, a * k) for a in alike for k in (0.5, 1.0, 1 + 2.0**-12, 2.0)]
    pairs += [(1e-3, 1e6), (1e6, 1e-3), (2.5, 1e3)]
    rates = ((1.0, 1.0), (1e-3, 1e3), (2.0, 2.0 + 2.0**-12), (1e6, 5e5))
    return [(a, p, b, q) for (a, b), (p, q) in product(pairs, rates)]


def _dirichlets():
    first = ([2.0, 3.0, 1.5], [1e6, 2e6, 5e5], [1e-3, 1.0, 30.0])
    found = [(a, [c * k for c in a]) for a in first for k in (0.5, 1.0, 1 + 2.0**-12, 2.0)]
    return [*found, *product(first, first), ([1e6, 2e6, 5e5], [1.001e6, 2e6, 5e5])]


def scale_of_first(loc, scale, *rest):
    return min(abs(scale), abs(rest[-1]))


def width_of_first(low, high, *rest):
    return high - low


def diagonal(loc, factor, *rest):
    return min(abs(factor[i][i]) for i in range(2))


RATES = [*product((1e-6, 1.0, 40.0, 1e6), (1e-6, 1.0, 1.0 + 2.0**-12, 40.0, 1e6))]
BETAS = [(*a[:2], *b[:2]) for a, b in _dirichlets()]
SIDED = (PLACE, POSITIVE, PLACE, POSITIVE)

DIVERGENCES: dict[str, Exact] = {
    "bernoulli": Exact((LOGITS,) * 2, bernoulli, _logits()),
    "beta": Exact((POSITIVE,) * 4, beta, BETAS),
    "categorical": Exact((LOGITS,) * 2, categorical, [*product(TRIPLES, repeat=2)]),
    "cauchy": Exact(SIDED, cauchy, [*_placed(), (1e25, 1.0, 0.0, 2.0)], scale=scale_of_first),
    "continuous_bernoulli": Exact((LOGITS,) * 2, continuous_bernoulli, _logits()),
    "dirichlet": Exact((POSITIVE,) * 2, dirichlet, _dirichlets()),
    "exponential": Exact((POSITIVE,) * 2, exponential, RATES),
    "gamma": Exact((POSITIVE,) * 4, gamma, _gammas()),
    "half_normal": Exact(
        (POSITIVE,) * 2, lambda s, t: normal(0, s, 0, t), [(s, t) for _, s, _, t in _placed()]
    ),
    "inverse_gamma": Exact((POSITIVE,) * 4, gamma, _gammas()),
    "laplace": Exact(SIDED, laplace, [p for p in _placed() if p[0] != p[2]], scale=scale_of_first),
    "log_normal": Exact(SIDED, normal, _placed(), scale=scale_of_first),
    "multivariate_normal": Exact(
        SIDED,
        multivariate_normal,
        [([0.3, -2.0], p, [0.0, 1.0], q) for p, q in product(FACTORS, repeat=2)],
        scale=diagonal,
    ),
    "normal": Exact(SIDED, normal, _placed(), scale=scale_of_first),
    "one_hot_categorical": Exact((LOGITS,) * 2, categorical, [*product(TRIPLES, repeat=2)]),
    "poisson": Exact((POSITIVE,) * 2, poisson, RATES),
    "uniform": Exact(
        (PLACE,) * 4,
        uniform,
        [(0.0, 1.0, -1.0, 3.0), (0.5, 0.5 + 2.0**-12, 0.0, 1e6)],
        scale=width_of_first,
    ),
}
