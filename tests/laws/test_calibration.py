"""Simulation-based calibration of the no-U-turn sampler (Talts et al. 2018).

Latents are drawn from the prior and data given them; the rank of the true latent among thinned
draws from the posterior is uniform. A chi-square test of all ranks of a model has the level 1e-5.
Chains run on unconstrained numbers, so a wrong log-determinant is detected, and a wrong weight too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from specc.engine.samplers import no_u_turn
from specc.engine.samplers.chain import Options
from specc.engine.samplers.sampling import Sampling

LEVEL = 1e-5
WARMUP, DRAWS, THINNED = 40, 45, 9
"""The transitions that adapt, the draws of each chain, and those of them that are kept."""

Array = np.ndarray


@dataclass(frozen=True)
class Model:
    """A prior, data given the latent, and the log-posterior of unconstrained numbers.

    `to` maps the latent onto u, and `density` has the log-density of u and its derivative, of all
    simulations at once, from their data [simulations, rows]. With `jacobian` 0 the density lacks
    the log-determinant.
    """

    prior: Callable[[np.random.Generator, int], Array]
    data: Callable[[np.random.Generator, Array], Array]
    to: Callable[[Array], Array]
    density: Callable[[Array, Array, float], tuple[Array, Array]]


def _normal(u: Array, y: Array, jacobian: float) -> tuple[Array, Array]:
    """A normal mean, N(0, 1), of rows N(mean, 1)."""
    del jacobian
    away = y - u[:, None]
    return -0.5 * u**2 - 0.5 * (away**2).sum(1), -u + away.sum(1)


def _scale(u: Array, y: Array, jacobian: float) -> tuple[Array, Array]:
    """An exponential rate of rows N(0, 1 / rate), u = log rate."""
    rate, squares, n = np.exp(u), (y**2).sum(1), y.shape[1]
    value = -rate + 0.5 * n * u - 0.5 * rate * squares + jacobian * u
    return value, -rate + 0.5 * n - 0.5 * rate * squares + jacobian


def _share(u: Array, y: Array, jacobian: float) -> tuple[Array, Array]:
    """A uniform probability of Bernoulli rows, u = logit p."""
    ones, n, p = y.sum(1), y.shape[1], 1 / (1 + np.exp(-u))
    log_p, log_q = -np.logaddexp(0, -u), -np.logaddexp(0, u)
    value = (ones + jacobian) * log_p + (n - ones + jacobian) * log_q
    return value, (ones + jacobian) * (1 - p) - (n - ones + jacobian) * p


def _count(u: Array, y: Array, jacobian: float) -> tuple[Array, Array]:
    """An exponential rate of Poisson counts, u = log rate."""
    rate, total, n = np.exp(u), y.sum(1), y.shape[1]
    return (total + jacobian) * u - (n + 1) * rate, total + jacobian - (n + 1) * rate


def _logistic(u: Array, y: Array, jacobian: float) -> tuple[Array, Array]:
    """A normal logit of Bernoulli rows."""
    del jacobian
    ones, n, p = y.sum(1), y.shape[1], 1 / (1 + np.exp(-u))
    return -0.5 * u**2 + ones * u - n * np.logaddexp(0, u), -u + ones - n * p


def _cauchy(u: Array, y: Array, jacobian: float) -> tuple[Array, Array]:
    """A normal location of Cauchy rows, whose posterior may have several modes."""
    del jacobian
    away = y - u[:, None]
    value = -0.5 * u**2 - np.log1p(away**2).sum(1)
    return value, -u + (2 * away / (1 + away**2)).sum(1)


def _logit(p: Array) -> Array:
    return np.log(p) - np.log1p(-p)


def _same(x: Array) -> Array:
    return x


CASES = {
    "normal": Model(
        lambda r, n: r.normal(size=n),
        lambda r, x: r.normal(x[:, None], 1.0, size=(len(x), 3)),
        _same,
        _normal,
    ),
    "scale": Model(
        lambda r, n: r.exponential(size=n),
        lambda r, x: r.normal(0.0, 1 / np.sqrt(x[:, None]), size=(len(x), 4)),
        np.log,
        _scale,
    ),
    "share": Model(
        lambda r, n: r.uniform(size=n),
        lambda r, x: (r.uniform(size=(len(x), 4)) < x[:, None]).astype(float),
        _logit,
        _share,
    ),
    "count": Model(
        lambda r, n: r.exponential(size=n),
        lambda r, x: r.poisson(x[:, None], size=(len(x), 3)).astype(float),
        np.log,
        _count,
    ),
    "logistic": Model(
        lambda r, n: r.normal(size=n),
        lambda r, x: (r.uniform(size=(len(x), 5)) < 1 / (1 + np.exp(-x[:, None]))).astype(float),
        _same,
        _logistic,
    ),
    "cauchy": Model(
        lambda r, n: r.normal(size=n),
        lambda r, x: x[:, None] + r.standard_cauchy(size=(len(x), 3)),
        _same,
        _cauchy,
    ),
}


def p_value(model: Model, count: int, jacobian: float = 1.0) -> float:
    """The p-value of the ranks of `count` latents, each among `THINNED` draws."""
    random = np.random.default_rng(1)
    latents = model.prior(random, count)
    data, truth = model.data(random, latents), model.to(latents)

    def density(positions: Array) -> tuple[list[float], Array]:
        value, slope = model.density(positions[:, 0], data, jacobian)
        return value.tolist(), slope[:, None]

    options = Options(chains=count, warmup=WARMUP, draws=DRAWS)
    found = np.zeros((count, options.total))

    def record(chain: int, number: int, ended: object, step: float) -> None:
        found[chain, number] = ended.point.position[0]

    sampling = Sampling(density, 1, options, seed=1)
    sampling.start()
    sampling.begin(record)
    sampling.advance(options.total)
    kept = found[:, options.warmup :: DRAWS // THINNED][:, :THINNED]
    ranks = (kept < truth[:, None]).sum(1)
    return float(stats.chisquare(np.bincount(ranks, minlength=THINNED + 1)).pvalue)


@pytest.mark.parametrize("name", CASES)
def test_ranks_are_uniform(name: str) -> None:
    assert p_value(CASES[name], 100) > LEVEL


def test_a_missing_log_determinant_is_detected() -> None:
    assert p_value(CASES["scale"], 200, jacobian=0.0) < LEVEL


def test_a_wrong_acceptance_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a trajectory is taken as often as if it were unlikely."""
    monkeypatch.setattr(no_u_turn, "_ratio", lambda a, b: math.exp(min(0.0, b - a)))
    assert p_value(CASES["count"], 200) < LEVEL
