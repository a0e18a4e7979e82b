"""Densities, entropies and divergences, and their gradients, against mpmath at extremes.

`tests/oracles/precision.py` defines the scale of each error, which is in units of the last place of
1. Formulas of a few terms have errors below FEW. `python -m benchmarks.densities` writes the errors
at all points, which `--slow` compares with the same bounds.
"""

from __future__ import annotations

import random
from dataclasses import replace
from importlib import import_module

import pytest
import torch

from specc.catalog.registry import DISTRIBUTIONS
from specc.runtime import bessel, log_gamma, log_ndtr
from specc.runtime.distributions import negative_binomial
from tests.oracles.divergences import DIVERGENCES
from tests.oracles.exact import DENSITIES, ENTROPIES, Exact
from tests.oracles.precision import Truth, Worst, points, truth, worst

FEW = 4.0

MORE = {
    # Below 10 (in float32 below 3) Binet's function is log Gamma minus terms of up to 23.
    ("log_prob", "beta"): 12.0,
    ("log_prob", "beta_binomial"): 12.0,
    ("log_prob", "binomial"): 12.0,
    ("log_prob", "gamma"): 12.0,
    ("log_prob", "inverse_gamma"): 12.0,
    ("log_prob", "negative_binomial"): 12.0,
    # The gradient in the factor is that of a solution, of which a part is 1000 times another.
    ("log_prob", "multivariate_student_t"): 8.0,
    ("entropy", "beta"): 12.0,
    ("entropy", "dirichlet"): 12.0,
    ("entropy", "gamma"): 12.0,
    ("entropy", "inverse_gamma"): 12.0,
    ("kl", "beta"): 24.0,
    ("kl", "dirichlet"): 24.0,
    # r - 1 - log r is computed from log r if r is far from 1.
    ("kl", "exponential"): 8.0,
}

TABLES = {"log_prob": DENSITIES, "entropy": ENTROPIES, "kl": DIVERGENCES}
CASES = [(what, name) for what, table in TABLES.items() for name in table]
AT_ONCE = 10


def function(what: str, name: str):
    module = import_module(f"specc.runtime.distributions.{name}")
    return getattr(module, f"kl_{name}" if what == "kl" else what)


def some(exact: Exact, count: int = AT_ONCE) -> Exact:
    """A fixed subset of the points."""
    if len(exact.points) <= count:
        return exact
    return replace(exact, points=random.Random(12).sample(exact.points, count))


def held(what: str, name: str, exact: Exact) -> None:
    known: dict[str, Truth] = {}
    bound = MORE.get((what, name), FEW)
    for dtype in (torch.float32, torch.float64):
        found = worst(function(what, name), exact, dtype, known)
        assert found.value <= bound, (dtype, found)
        assert found.gradient <= bound, (dtype, found)


def test_every_function_is_compared() -> None:
    every = [entry for entry in DISTRIBUTIONS.values() if not entry.improper]
    assert sorted(DENSITIES) == [entry.name for entry in every]
    assert sorted(ENTROPIES) == [entry.name for entry in every if entry.entropy]
    assert sorted(DIVERGENCES) == [entry.name for entry in every if entry.kl_with]
    assert all(entry.kl_with in ((), (entry.name,)) for entry in every)
    assert set(MORE) <= set(CASES)


@pytest.mark.parametrize(("what", "name"), CASES)
def test_it_is_exact_at_extremes(what: str, name: str) -> None:
    held(what, name, some(TABLES[what][name]))


@pytest.mark.slow
@pytest.mark.parametrize(("what", "name"), CASES)
def test_it_is_exact_at_all_points(what: str, name: str) -> None:
    held(what, name, TABLES[what][name])


def test_a_formula_that_cancels_is_found_out() -> None:
    """The textbook formulas in float32, differences of log-gamma functions, are rejected."""

    def counts(x, r, logits):
        ways = torch.lgamma(x + r) - torch.lgamma(x + 1) - torch.lgamma(r)
        plus = torch.nn.functional.softplus
        return ways - x * plus(-logits) - r * plus(logits)

    def gamma(x, a, rate):
        return a * rate.log() + (a - 1) * x.log() - rate * x - torch.lgamma(a)

    def cauchy(x, loc, scale):
        return -torch.log1p(((x - loc) / scale) ** 2) - (torch.pi * scale).log()

    for name, call in (("negative_binomial", counts), ("gamma", gamma), ("cauchy", cauchy)):
        found: Worst = worst(call, some(DENSITIES[name], 40), torch.float32, {})
        assert found.value > 1000


@pytest.mark.parametrize("r", [1e6, 1e8])
def test_few_counts_of_a_large_number_of_failures(r: float) -> None:
    """With the mean 20 it is the Poisson probability of 12, which is below 1."""
    logits = torch.tensor(20 / r).log()
    found = negative_binomial.log_prob(torch.tensor(12.0), r, logits)
    assert found.item() == pytest.approx(-4.038, abs=5e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_parts_of_the_logarithm_of_gamma(dtype: torch.dtype) -> None:
    """mu, its first derivative as its gradient, and the second as the gradient of that."""
    from mpmath import mp

    x = torch.tensor([1e-6, 0.3, 1.0, 2.99, 3.0, 9.99, 10.0, 50.0, 1e6], dtype=dtype)
    x.requires_grad_()
    (slope,) = torch.autograd.grad(log_gamma.binet(x).sum(), x)
    (second,) = torch.autograd.grad(log_gamma.binet_slope(x).sum(), x)
    (of_stirling,) = torch.autograd.grad(log_gamma.stirling(x).sum(), x)
    eps = torch.finfo(dtype).eps
    with mp.workdps(40):
        for i, number in enumerate(x.tolist()):
            v = mp.mpf(number)
            mu = mp.loggamma(v) - (v - 0.5) * mp.log(v) + v - mp.log(2 * mp.pi) / 2
            first = mp.digamma(v) - mp.log(v) + 1 / (2 * v)
            third = mp.psi(1, v) - 1 / v - 1 / (2 * v * v)
            stirling = mp.loggamma(v + 1) - v * mp.log(v) + v
            pairs = [
                (log_gamma.binet(x)[i], mu),
                (log_gamma.stirling(x)[i], stirling),
                (slope[i], first),
                (log_gamma.binet_slope(x)[i], first),
                (second[i], third),
                (of_stirling[i], mp.digamma(v + 1) - mp.log(v)),
            ]
            for found, exact in pairs:
                assert abs(found.item() - float(exact)) <= 24 * eps * max(1, abs(float(exact)))


def test_points_are_numbers_of_float32() -> None:
    exact = DENSITIES["student_t"]
    assert len(points(exact, torch.float64)) == len(exact.points) + len(exact.double or [])
    x = points(exact, torch.float32)[0][0]
    assert torch.tensor(x, dtype=torch.float32).item() == x
    right = truth(exact, (0.0, 3.0, 0.0, 1.0))
    assert float(right.value) == pytest.approx(-1.0008888496235098, abs=1e-15)
    assert float(right.gradient[0][0]) == pytest.approx(0, abs=1e-15)


def test_second_derivatives_of_functions_with_a_derivative_of_their_own() -> None:
    """Of the pooled deviance, log I_0 and log Phi, by finite differences."""
    x = torch.tensor([[3.0, 0.0, 5.0], [1.0, 40.0, 2.0]], dtype=torch.float64)
    a = torch.tensor([[2.0, 0.7, 1.0], [30.0, 1.0, 4.0]], dtype=torch.float64, requires_grad=True)
    k = torch.tensor([0.1, 3.0, 29.0, 31.0, 500.0], dtype=torch.float64, requires_grad=True)
    z = torch.tensor([-40.0, -3.0, 0.5, 6.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda a: log_gamma.pooled_deviance(x, a), a)
    assert torch.autograd.gradgradcheck(bessel.log_i0e, k)
    assert torch.autograd.gradgradcheck(log_ndtr.log_ndtr, z)
