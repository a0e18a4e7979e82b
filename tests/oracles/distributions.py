"""One row for each distribution: an independent density, and a grid over its support.

A row of an elementwise distribution is a frozen distribution of scipy, or an object with the same
few methods, made from the parameters. A row of a vector distribution gives its log-density, a grid
over its support, and projections to numbers of known distributions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from scipy import special, stats

from tests.oracles import grids

Value = Any  # a float, or nested lists of floats
Parameters = tuple[Value, ...]


@dataclass(frozen=True)
class Row:
    """The oracle of a distribution.

    `frozen(*parameters)` has `logpdf` or `logpmf`, `cdf` and `support`. `fixed` names parameters
    without a derivative, `breaks` gives the values where the density is not smooth. `edges` are
    (value, parameters, log-density there); `outside` are (value, parameters) of density 0;
    `extremes` have a finite log-density. `projections` give (function of draws, distribution).
    """

    parameters: tuple[Parameters, ...]
    frozen: Callable[..., Any]
    fixed: tuple[str, ...] = ()
    edges: tuple[tuple[Value, Parameters, float], ...] = ()
    outside: tuple[tuple[Value, Parameters], ...] = ()
    grid: Callable[..., grids.Grid] | None = None
    projections: Callable[..., list[tuple[Callable[[np.ndarray], np.ndarray], Any]]] | None = None
    extremes: tuple[tuple[Value, Parameters], ...] = ()
    breaks: Callable[..., tuple[float, ...]] = lambda *parameters: ()


class Listed:
    """A distribution on a list of numbers."""

    def __init__(self, probs: np.ndarray) -> None:
        self.probs = np.asarray(probs, dtype=np.float64)

    def support(self) -> tuple[float, float]:
        return 0, len(self.probs) - 1

    def logpmf(self, x: np.ndarray) -> np.ndarray:
        return np.log(self.probs[np.asarray(x, dtype=int)])

    def pmf(self, x: np.ndarray) -> np.ndarray:
        return self.probs[np.asarray(x, dtype=int)]


class Summed:
    """A distribution of scipy on 0 to n, with its distribution function by sums."""

    def __init__(self, base: Any) -> None:
        self.base, self.logpmf, self.pmf, self.support = base, base.logpmf, base.pmf, base.support

    def _sums(self, x: np.ndarray, up: bool) -> np.ndarray:
        counts = np.arange(self.support()[1] + 1.0)
        kept = counts <= x[..., None] if up else counts > x[..., None]
        return np.where(kept, self.base.pmf(counts), 0.0).sum(-1)

    def cdf(self, x: np.ndarray) -> np.ndarray:
        return self._sums(np.asarray(x), up=True)

    def logcdf(self, x: np.ndarray) -> np.ndarray:
        return np.log(self._sums(x, up=True))

    def logsf(self, x: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.log(self._sums(x, up=False))


class LogDensity:
    """A distribution of vectors with a log-density only."""

    def __init__(self, logpdf: Callable[[np.ndarray], np.ndarray]) -> None:
        self.logpdf = logpdf


class TruncatedExponential:
    """The density proportional to exp(l x) on [0, 1], by scipy's truncated exponential."""

    def __init__(self, logits: float) -> None:
        self.mirrored, self.logits = logits > 0, logits
        size = max(abs(logits), 1e-9)
        self.base = stats.truncexpon(size, scale=1 / size)

    def support(self) -> tuple[float, float]:
        return 0.0, 1.0

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        return self.base.logpdf(1 - x if self.mirrored else x)

    def cdf(self, x: np.ndarray) -> np.ndarray:
        return self.base.sf(1 - x) if self.mirrored else self.base.cdf(x)

    def logcdf(self, x: np.ndarray) -> np.ndarray:
        return _log_share(x, self.logits)

    def logsf(self, x: np.ndarray) -> np.ndarray:
        return _log_share(1 - x, -self.logits)

    def ppf(self, u: np.ndarray) -> np.ndarray:
        return 1 - self.base.ppf(1 - u) if self.mirrored else self.base.ppf(u)


def _log_share(x: np.ndarray, logits: float) -> np.ndarray:
    """The log of the integral of exp(l t) over [0, x], as a share of that over [0, 1]."""
    return np.log(np.expm1(logits * x) / np.expm1(logits)) if logits else np.log(x)


class Folded:
    """The absolute value of a variable whose density is symmetric around 0."""

    def __init__(self, whole: Any) -> None:
        self.whole = whole

    def support(self) -> tuple[float, float]:
        return 0.0, math.inf

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        return LOG2 + self.whole.logpdf(x)

    def cdf(self, x: np.ndarray) -> np.ndarray:
        return 1 - 2 * self.whole.sf(x)

    def logsf(self, x: np.ndarray) -> np.ndarray:
        return np.minimum(LOG2 + self.whole.logsf(x), 0.0)

    def logcdf(self, x: np.ndarray) -> np.ndarray:
        """That of the square, a beta variable in z^2 / (df + z^2); exact near 0."""
        df, z = float(self.whole.args[0]), x / self.whole.kwds["scale"]
        with np.errstate(divide="ignore"):
            return np.log(special.betainc(0.5, df / 2, z * z / (df + z * z)))

    def ppf(self, u: np.ndarray) -> np.ndarray:
        return self.whole.isf((1 - u) / 2)


def _softmax(logits: Value) -> np.ndarray:
    return special.softmax(np.asarray(logits, dtype=np.float64))


def _bins(loc: float, scale: float, bins: int) -> Listed:
    ends = np.concatenate([[-np.inf], (2 * np.arange(1, bins) - 1) / (bins - 1) - 1, [np.inf]])
    logistic = stats.logistic(loc, scale)
    left = np.diff(logistic.cdf(ends))
    right = -np.diff(logistic.sf(ends))
    return Listed(np.where(ends[:-1] > loc, right, left))


def _one_hot(logits: Value) -> LogDensity:
    return LogDensity(lambda x: np.log(_softmax(logits))[x.argmax(-1)])


def _multinomial(total: float, logits: Value) -> LogDensity:
    return LogDensity(stats.multinomial(int(total), _softmax(logits)).logpmf)


def _dirichlet(concentration: Value) -> LogDensity:
    def logpdf(x: np.ndarray) -> np.ndarray:
        return stats.dirichlet(concentration).logpdf((x / x.sum(-1, keepdims=True)).T)

    return LogDensity(logpdf)


def _normal_vector(loc: Value, factor: Value) -> LogDensity:
    lower = np.asarray(factor)
    return LogDensity(stats.multivariate_normal(loc, lower @ lower.T).logpdf)


def _covariance(factor: Value, diagonal: Value) -> np.ndarray:
    wide = np.asarray(factor)
    return np.asarray(wide @ wide.T + np.diag(np.asarray(diagonal)))


def _lowrank_vector(loc: Value, factor: Value, diagonal: Value) -> LogDensity:
    return LogDensity(stats.multivariate_normal(loc, _covariance(factor, diagonal)).logpdf)


def _lowrank_marginals(loc: Value, factor: Value, diagonal: Value) -> list[Any]:
    return _normal_marginals(loc, np.linalg.cholesky(_covariance(factor, diagonal)))


def _lowrank_plane(loc: Value, factor: Value, diagonal: Value) -> grids.Grid:
    return _plane(loc, np.linalg.cholesky(_covariance(factor, diagonal)))


def _counts(total: float, logits: Value) -> grids.Grid:
    size, n = int(total), len(logits)
    return grids.vectors([x for x in product(range(size + 1), repeat=n) if sum(x) == size])


def _marginal(i: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: x[..., i]


def _beta_marginals(a: Value) -> list[Any]:
    return [(_marginal(i), stats.beta(a[i], sum(a) - a[i])) for i in range(len(a))]


def _binomial_marginals(total: float, logits: Value) -> list[Any]:
    p = _softmax(logits)
    return [(_marginal(i), stats.binom(int(total), p[i])) for i in range(len(p))]


def _along(direction: list[float]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: x @ np.asarray(direction)


def _normal_marginals(loc: Value, factor: Value) -> list[Any]:
    lower, directions = np.asarray(factor), [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [0.8, -0.6]]
    return [
        (_along(w), stats.norm(np.dot(w, loc), np.linalg.norm(lower.T @ w))) for w in directions
    ]


def _lkj(concentration: Value) -> LogDensity:
    """(1 - r^2)^(c - 1) / (2^(2c - 1) B(c, c)) of a correlation r; L = [[1, 0], [r, s]]."""

    def logpdf(x: np.ndarray) -> np.ndarray:
        log_z = (2 * concentration - 1) * LOG2 + special.betaln(concentration, concentration)
        s = x[..., 1, 1]
        found = 2 * (concentration - 1) * np.log(np.where(s > 0, s, 1.0)) - log_z
        return np.where(s > 0, found, -INF)

    return LogDensity(logpdf)


def _pairs(concentration: Value) -> grids.Grid:
    """The factors of the correlation matrices of two variables."""
    r, weights = grids.interval(-1.0, 1.0)
    s = ((1 - r) * (1 + r)).sqrt()
    rows = [torch.ones_like(r), torch.zeros_like(r), r, s]
    return torch.stack(rows, -1).reshape(-1, 2, 2), weights


def _correlations(concentration: Value) -> list[Any]:
    beta = stats.beta(concentration, concentration, loc=-1, scale=2)
    return [(lambda x: x[..., 1, 0], beta)]


class VonMises:
    """The von Mises distribution on [-pi, pi]; that of scipy is periodic."""

    def __init__(self, loc: float, concentration: float) -> None:
        self.base = stats.vonmises(concentration, loc)

    def support(self) -> tuple[float, float]:
        return -math.pi, math.pi

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.base.logpdf(x))

    def cdf(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.base.cdf(x) - self.base.cdf(-math.pi))


def _graded(predictor: float, cutpoints: Value) -> Listed:
    ends = np.concatenate([[-np.inf], np.asarray(cutpoints) - predictor, [np.inf]])
    left, right = np.diff(special.expit(ends)), -np.diff(special.expit(-ends))
    return Listed(np.where(ends[:-1] > 0, right, left))


def _overdispersed(total: float, concentration: Value) -> LogDensity:
    return LogDensity(stats.dirichlet_multinomial(concentration, int(total)).logpmf)


def _overdispersed_marginals(total: float, a: Value) -> list[Any]:
    return [(_marginal(i), stats.betabinom(int(total), a[i], sum(a) - a[i])) for i in range(len(a))]


def _student_vector(df: float, loc: Value, factor: Value) -> LogDensity:
    lower = np.asarray(factor)
    return LogDensity(stats.multivariate_t(loc, lower @ lower.T, df).logpdf)


def _student_marginals(df: float, loc: Value, factor: Value) -> list[Any]:
    lower, directions = np.asarray(factor), [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [0.8, -0.6]]
    return [
        (_along(w), stats.t(df, np.dot(w, loc), np.linalg.norm(lower.T @ w))) for w in directions
    ]


def _plane(loc: Value, factor: Value) -> grids.Grid:
    return grids.plane(np.asarray(loc), np.asarray(factor))


LOG2 = math.log(2)
INF = math.inf

ROWS: dict[str, Row] = {
    "bernoulli": Row(
        ((-1.3,), (0.0,), (4.0,)),
        lambda logits: stats.bernoulli(special.expit(logits)),
        extremes=((0.0, (-200.0,)), (1.0, (-200.0,)), (0.0, (200.0,)), (1.0, (200.0,))),
    ),
    "beta": Row(
        ((2.0, 3.0), (0.8, 0.9), (1.0, 1.0), (0.75, 4.0)),
        lambda a, b: stats.beta(a, b),
        edges=(
            (0.0, (2.0, 3.0), -INF),
            (1.0, (2.0, 3.0), -INF),
            (0.0, (1.0, 3.0), math.log(3)),
            (1.0, (3.0, 1.0), math.log(3)),
            (0.0, (0.5, 1.0), INF),
            (1.0, (2.0, 0.5), INF),
        ),
        outside=((-0.1, (2.0, 3.0)), (1.1, (2.0, 3.0)), (-0.1, (0.5, 0.5)), (1.1, (0.5, 0.5))),
        extremes=((1e-30, (0.5, 0.5)), (1e-30, (3.0, 0.5))),
    ),
    "beta_binomial": Row(
        ((7.0, 2.0, 3.0), (1.0, 0.5, 0.5), (30.0, 0.8, 6.0)),
        lambda n, a, b: Summed(stats.betabinom(int(n), a, b)),
        fixed=("total_count",),
        edges=((0.0, (1.0, 1.0, 1.0), -LOG2), (3.0, (3.0, 1.0, 1.0), -2 * LOG2)),
        outside=((-1.0, (3.0, 1.0, 1.0)), (4.0, (3.0, 1.0, 1.0))),
        extremes=((0.0, (7.0, 1e-20, 1.0)), (7.0, (7.0, 1e-20, 1.0)), (3.0, (7.0, 1e8, 1e-8))),
    ),
    "binomial": Row(
        ((7.0, -0.4), (1.0, 2.0), (30.0, 1.5)),
        lambda n, logits: stats.binom(int(n), special.expit(logits)),
        fixed=("total_count",),
        edges=((0.0, (3.0, 0.0), -3 * LOG2), (3.0, (3.0, 0.0), -3 * LOG2)),
        outside=((-1.0, (3.0, 0.0)), (4.0, (3.0, 0.0)), (40.0, (3.0, 0.0))),
        extremes=((0.0, (7.0, -200.0)), (7.0, (7.0, -200.0)), (0.0, (7.0, 200.0))),
    ),
    "categorical": Row(
        (([0.3, -1.0, 2.0],), ([0.0, 0.0, 0.0],), ([0.2, -3.0, 1.0, 0.5],)),
        lambda logits: Listed(_softmax(logits)),
        extremes=((0.0, ([-200.0, 200.0],)), (1.0, ([-200.0, 200.0],))),
    ),
    "cauchy": Row(
        ((0.0, 1.0), (-1.5, 0.3)),
        lambda loc, scale: stats.cauchy(loc, scale),
        extremes=((1e15, (0.0, 1.0)), (-1e15, (0.0, 1.0))),
    ),
    "continuous_bernoulli": Row(
        ((-3.0,), (0.4,), (0.001,), (6.0,)),
        TruncatedExponential,
        edges=(
            (0.0, (0.0,), 0.0),
            (1.0, (0.0,), 0.0),
            (1.0, (2.0,), math.log(2 / (1 - math.exp(-2)))),
            (0.0, (-2.0,), math.log(2 / (1 - math.exp(-2)))),
        ),
        outside=((-0.1, (0.4,)), (1.1, (0.4,)), (-0.1, (-3.0,))),
        extremes=((0.0, (200.0,)), (1.0, (200.0,)), (0.5, (-200.0,)), (0.3, (1e-20,))),
    ),
    "dirichlet": Row(
        (([2.0, 3.0, 1.5],), ([0.9, 1.2, 1.0],)),
        _dirichlet,
        edges=(
            ([0.0, 0.5, 0.5], ([2.0, 2.0, 2.0],), -INF),
            ([0.0, 0.5, 0.5], ([1.0, 1.0, 1.0],), LOG2),
            ([0.0, 0.5, 0.5], ([0.5, 1.0, 1.0],), INF),
        ),
        outside=(([-0.1, 0.6, 0.5], ([2.0, 2.0, 2.0],)), ([-0.1, 0.6, 0.5], ([0.5, 1.0, 1.0],))),
        grid=lambda a: grids.triangle(),
        projections=_beta_marginals,
    ),
    "dirichlet_multinomial": Row(
        ((4.0, [2.0, 0.7, 1.0]), (1.0, [0.5, 3.0])),
        _overdispersed,
        fixed=("total_count",),
        edges=(([0.0, 2.0], (2.0, [1.0, 1.0]), -math.log(3)),),
        outside=(([1.0, 2.0], (2.0, [1.0, 1.0])), ([-1.0, 3.0], (2.0, [1.0, 1.0]))),
        grid=_counts,
        projections=_overdispersed_marginals,
        extremes=(([0.0, 2.0], (2.0, [1e-20, 1.0])), ([2.0, 0.0], (2.0, [1e-20, 1e8]))),
    ),
    "discretized_logistic": Row(
        ((0.1, 0.2, 256.0), (-0.9, 0.05, 17.0), (0.5, 1.5, 2.0)),
        _bins,
        fixed=("bins",),
        edges=(
            (0.0, (-1.0, 1.0, 3.0), -math.log(1 + math.exp(-0.5))),
            (2.0, (1.0, 1.0, 3.0), -math.log(1 + math.exp(-0.5))),
        ),
        outside=((-1.0, (0.1, 0.2, 256.0)), (256.0, (0.1, 0.2, 256.0))),
        extremes=(
            (255.0, (-1.0, 1e-3, 256.0)),
            (0.0, (1.0, 1e-3, 256.0)),
            (9.0, (0.0, 1e6, 256.0)),
        ),
    ),
    "exponential": Row(
        ((1.0,), (2.5,)),
        lambda rate: stats.expon(scale=1 / rate),
        edges=((0.0, (2.0,), LOG2),),
        outside=((-0.1, (2.0,)),),
    ),
    "gamma": Row(
        ((2.0, 1.0), (0.7, 3.0), (1.0, 2.0), (9.0, 0.5)),
        lambda a, rate: stats.gamma(a, scale=1 / rate),
        edges=((0.0, (2.0, 1.0), -INF), (0.0, (1.0, 2.0), LOG2), (0.0, (0.5, 1.0), INF)),
        outside=((-0.1, (2.0, 1.0)), (-0.1, (1.0, 1.0)), (-0.1, (0.5, 1.0))),
        extremes=((1e-30, (0.5, 1.0)), (1e4, (2.0, 1.0))),
    ),
    "generalized_normal": Row(
        ((0.0, 1.0, 2.0), (-1.5, 0.3, 1.0), (0.5, 2.0, 0.7), (1.0, 0.5, 6.0)),
        lambda loc, scale, power: stats.gennorm(power, loc, scale),
        edges=((0.5, (0.5, 1.0, 1.0), -LOG2),),
        breaks=lambda loc, scale, power: (loc,),
        extremes=((1e10, (0.0, 1.0, 0.5)), (1e10, (0.0, 1.0, 2.0)), (1e-30, (0.0, 1.0, 0.1))),
    ),
    "gumbel": Row(
        ((0.0, 1.0), (-1.5, 0.3)),
        lambda loc, scale: stats.gumbel_r(loc, scale),
        extremes=((-4.0, (0.0, 1.0)), (500.0, (0.0, 1.0))),
    ),
    "half_cauchy": Row(
        ((1.0,), (0.3,)),
        lambda scale: stats.halfcauchy(scale=scale),
        edges=((0.0, (2.0,), -math.log(math.pi)),),
        outside=((-0.1, (2.0,)),),
    ),
    "half_normal": Row(
        ((1.0,), (0.3,)),
        lambda scale: stats.halfnorm(scale=scale),
        edges=((0.0, (2.0,), 0.5 * math.log(2 / math.pi) - LOG2),),
        outside=((-0.1, (2.0,)),),
    ),
    "half_student_t": Row(
        ((5.0, 1.0), (2.5, 0.3)),
        lambda df, scale: Folded(stats.t(df, scale=scale)),
        edges=((0.0, (1.0, 2.0), -math.log(math.pi)),),
        outside=((-0.1, (3.0, 2.0)),),
    ),
    "improper_uniform": Row(
        (),
        lambda low, high: stats.uniform(low, high - low),
        edges=((0.0, (0.0, math.inf), 0.0), (1.0, (0.0, 1.0), 0.0)),
        outside=((-0.1, (0.0, math.inf)), (2.1, (-math.inf, 2.0))),
        extremes=((-1e30, (-math.inf, math.inf)), (1e30, (0.0, math.inf))),
    ),
    "inverse_gamma": Row(
        ((3.0, 2.0), (2.5, 0.4)),
        lambda a, rate: stats.invgamma(a, scale=rate),
        edges=((0.0, (3.0, 2.0), -INF),),
        outside=((-0.1, (3.0, 2.0)),),
        extremes=((1e-3, (3.0, 2.0)), (1e10, (3.0, 2.0))),
    ),
    "laplace": Row(
        ((0.0, 1.0), (-1.5, 0.3)),
        lambda loc, scale: stats.laplace(loc, scale),
        edges=((0.5, (0.5, 2.0), -2 * LOG2),),
        breaks=lambda loc, scale: (loc,),
        extremes=((1e10, (0.0, 1.0)),),
    ),
    "lkj_cholesky": Row(
        ((1.0,), (0.7,), (4.0,)),
        _lkj,
        outside=(([[1.0, 0.0], [0.6, -0.8]], (2.0,)),),
        grid=_pairs,
        projections=_correlations,
        extremes=(([[1.0, 0.0], [1.0, 1e-9]], (2.0,)), ([[1.0, 0.0], [0.6, 0.8]], (1e5,))),
    ),
    "log_normal": Row(
        ((0.0, 1.0), (0.5, 0.3)),
        lambda loc, scale: stats.lognorm(scale, scale=math.exp(loc)),
        edges=((0.0, (0.0, 1.0), -INF),),
        outside=((-0.1, (0.0, 1.0)),),
        extremes=((1e-30, (0.0, 1.0)), (1e30, (0.0, 1.0))),
    ),
    "logistic": Row(
        ((0.0, 1.0), (-1.5, 0.3)),
        lambda loc, scale: stats.logistic(loc, scale),
        extremes=((-500.0, (0.0, 1.0)), (500.0, (0.0, 1.0))),
    ),
    "multinomial": Row(
        ((4.0, [0.3, -1.0, 0.5]), (1.0, [0.0, 2.0])),
        _multinomial,
        fixed=("total_count",),
        edges=(([0.0, 2.0], (2.0, [0.0, 0.0]), -2 * LOG2),),
        outside=(([1.0, 2.0], (2.0, [0.0, 0.0])), ([-1.0, 3.0], (2.0, [0.0, 0.0]))),
        grid=_counts,
        projections=_binomial_marginals,
        extremes=(([0.0, 2.0], (2.0, [200.0, -200.0])), ([2.0, 0.0], (2.0, [200.0, -200.0]))),
    ),
    "lowrank_multivariate_normal": Row(
        (
            ([0.0, 0.0], [[0.0], [0.0]], [1.0, 1.0]),
            ([0.5, -1.0], [[0.8], [-0.5]], [0.3, 1.2]),
            ([0.5, -1.0], [[0.8, 0.1], [-0.5, 0.7]], [0.3, 0.2]),
        ),
        _lowrank_vector,
        grid=_lowrank_plane,
        projections=_lowrank_marginals,
    ),
    "multivariate_normal": Row(
        (([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]]), ([0.5, -1.0], [[0.8, 0.0], [-0.5, 1.2]])),
        _normal_vector,
        grid=_plane,
        projections=_normal_marginals,
    ),
    "multivariate_student_t": Row(
        (
            (2.5, [0.0, 0.0], [[0.3, 0.0], [0.0, 0.3]]),
            (8.0, [0.5, -1.0], [[0.8, 0.0], [-0.5, 1.2]]),
        ),
        _student_vector,
        grid=lambda df, loc, factor: grids.polar(np.asarray(loc), np.asarray(factor)),
        projections=_student_marginals,
        extremes=(
            ([1e15, -1e15], (3.0, [0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]])),
            ([0.0, 0.0], (1e6, [0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]])),
        ),
    ),
    "negative_binomial": Row(
        ((3.0, -0.5), (0.6, 0.5)),
        lambda r, logits: stats.nbinom(r, special.expit(-logits)),
        edges=((0.0, (2.0, 0.0), -2 * LOG2),),
        outside=((-1.0, (2.0, 0.0)), (-2.0, (3.0, 0.0))),
        extremes=((0.0, (3.0, -200.0)), (9.0, (3.0, -200.0)), (9.0, (3.0, 200.0))),
    ),
    "normal": Row(
        ((0.0, 1.0), (-1.5, 0.3), (2.0, 10.0)),
        lambda loc, scale: stats.norm(loc, scale),
        extremes=((1e10, (0.0, 1.0)), (1e-3, (0.0, 1e-10))),
    ),
    "one_hot_categorical": Row(
        (([0.3, -1.0, 2.0],), ([0.0, 0.0, 0.0],), ([0.0, 0.5],)),
        _one_hot,
        grid=lambda logits: grids.vectors([tuple(row) for row in np.eye(len(logits))]),
        projections=lambda logits: [(lambda x: x.argmax(-1), Listed(_softmax(logits)))],
        extremes=(([1.0, 0.0], ([-200.0, 200.0],)), ([0.0, 1.0], ([-200.0, 200.0],))),
    ),
    "ordered_logistic": Row(
        ((0.3, [-1.0, 0.5]), (0.0, [-2.0, 0.0, 1.0, 2.5])),
        _graded,
        edges=((0.0, (0.0, [0.0, 1.0]), -LOG2), (2.0, (1.0, [0.0, 1.0]), -LOG2)),
        outside=((-1.0, (0.3, [-1.0, 0.5])), (3.0, (0.3, [-1.0, 0.5]))),
        extremes=((0.0, (200.0, [-1.0, 0.5])), (1.0, (200.0, [-1.0, 0.5]))),
    ),
    "pareto": Row(
        ((1.0, 5.0), (0.4, 8.0)),
        lambda scale, alpha: stats.pareto(alpha, scale=scale),
        edges=((2.0, (2.0, 5.0), math.log(2.5)),),
        outside=((0.9, (1.0, 5.0)), (-1.0, (1.0, 5.0)), (0.0, (1.0, 5.0))),
        extremes=((1e30, (1.0, 5.0)), (1e30, (1e-30, 0.1))),
    ),
    "poisson": Row(
        ((3.0,), (0.2,), (40.0,)),
        lambda rate: stats.poisson(rate),
        edges=((0.0, (2.0,), -2.0),),
        outside=((-1.0, (2.0,)),),
        extremes=((0.0, (1e-30,)), (0.0, (0.0,)), (1e4, (1e-30,))),
    ),
    "student_t": Row(
        ((5.0, 0.0, 1.0), (1.5, -1.0, 0.3), (40.0, 2.0, 3.0)),
        lambda df, loc, scale: stats.t(df, loc, scale),
        extremes=((1e15, (3.0, 0.0, 1.0)), (-1e15, (0.1, 0.0, 1.0))),
    ),
    "uniform": Row(
        ((0.0, 1.0), (-2.0, 3.0)),
        lambda low, high: stats.uniform(low, high - low),
        edges=((0.0, (0.0, 2.0), -LOG2), (2.0, (0.0, 2.0), -LOG2)),
        outside=((-0.1, (0.0, 2.0)), (2.1, (0.0, 2.0))),
    ),
    "von_mises": Row(
        ((0.0, 1.0), (2.5, 4.0), (-1.0, 0.3), (1.0, 80.0)),
        VonMises,
        extremes=((3.0, (0.0, 1e6)), (0.0, (0.0, 1e30)), (1.0, (0.0, 1e-30))),
    ),
    "weibull": Row(
        ((1.0, 2.0), (0.7, 0.9), (2.0, 1.0), (3.0, 7.5)),
        lambda scale, k: stats.weibull_min(k, scale=scale),
        edges=(
            (0.0, (1.0, 2.0), -INF),
            (0.0, (2.0, 1.0), -LOG2),
            (0.0, (1.0, 0.5), INF),
        ),
        outside=((-0.1, (1.0, 2.0)), (-0.1, (2.0, 1.0)), (-0.1, (1.0, 0.5))),
        extremes=((1e-30, (1.0, 0.5)), (1e4, (1.0, 2.0)), (1e30, (1e-30, 0.01))),
    ),
}


def tensors(parameters: Parameters, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, ...]:
    """The parameters as tensors."""
    return tuple(torch.tensor(p, dtype=dtype) for p in parameters)


def grid(name: str, parameters: Parameters, breaks: tuple[float, ...] = ()) -> grids.Grid:
    """Points and weights over the support of the distribution for these parameters."""
    row = ROWS[name]
    if row.grid is not None:
        return row.grid(*parameters)
    frozen = row.frozen(*parameters)
    low, high = frozen.support()
    if hasattr(frozen, "logpdf"):
        return grids.interval(float(low), float(high), (*row.breaks(*parameters), *breaks))
    return grids.integers(int(low), int(min(high, 1000)))


def oracle_log_prob(name: str, parameters: Parameters, value: np.ndarray) -> np.ndarray:
    """The log-density of the oracle."""
    frozen = ROWS[name].frozen(*parameters)
    density = frozen.logpdf if hasattr(frozen, "logpdf") else frozen.logpmf
    return np.asarray(density(value))
