"""Laws of every distribution: the density against an oracle, its sum, its edges, its gradients.

Every test is parametrized over the registry and uses the row of a distribution in
`tests/oracles/distributions.py`.
"""

from __future__ import annotations

import math
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from specc.catalog.registry import DISTRIBUTIONS
from tests.oracles.distributions import ROWS, Parameters, grid, oracle_log_prob, tensors

PROPER = [name for name, entry in DISTRIBUTIONS.items() if not entry.improper]
CASES = [(name, parameters) for name in DISTRIBUTIONS for parameters in ROWS[name].parameters]
MEANS = [case for case in CASES if DISTRIBUTIONS[case[0]].mean]
ENTROPIES = [case for case in CASES if DISTRIBUTIONS[case[0]].entropy]
CDFS = [case for case in CASES if DISTRIBUTIONS[case[0]].cdf]
EDGES = [(name, *edge) for name in DISTRIBUTIONS for edge in ROWS[name].edges]
OUTSIDE = [(name, *case) for name in DISTRIBUTIONS for case in ROWS[name].outside]
EXTREMES = [(name, *case) for name in DISTRIBUTIONS for case in ROWS[name].extremes]
KLS = [(name, other) for name in DISTRIBUTIONS for other in DISTRIBUTIONS[name].kl_with]

FLOAT32 = torch.finfo(torch.float32).eps


def runtime(name: str) -> ModuleType:
    return import_module(f"specc.runtime.distributions.{name}")


def likely(name: str, parameters: Parameters) -> Tensor:
    """About 500 points of the grid, without the far tails."""
    points = grid(name, parameters)[0]
    with np.errstate(all="ignore"):
        log_p = oracle_log_prob(name, parameters, points.numpy())
    kept = points[torch.from_numpy(log_p > -200)]
    return kept[:: max(1, len(kept) // 500)]


def typical(name: str, parameters: Parameters, count: int) -> Tensor:
    """Quantiles at equally spaced levels, without 0 and 1."""
    points, weights = grid(name, parameters)
    with np.errstate(all="ignore"):
        mass = weights * torch.from_numpy(np.exp(oracle_log_prob(name, parameters, points.numpy())))
    levels = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    return points[torch.searchsorted(mass.cumsum(0), levels).clamp_max(len(points) - 1)]


def differentiable(name: str, parameters: Parameters) -> tuple[Tensor, ...]:
    fixed = ROWS[name].fixed
    declared = [p.name for p in DISTRIBUTIONS[name].parameters]
    made = tensors(parameters)
    return tuple(p.requires_grad_(n not in fixed) for n, p in zip(declared, made, strict=True))


def test_every_distribution_has_one_row() -> None:
    assert sorted(ROWS) == list(DISTRIBUTIONS)
    assert "normal" in DISTRIBUTIONS and "nromal" not in DISTRIBUTIONS
    with pytest.raises(KeyError):
        DISTRIBUTIONS["nromal"]


@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_log_prob_is_the_oracles(name: str, parameters: Parameters) -> None:
    value = likely(name, parameters)
    expected = oracle_log_prob(name, parameters, value.numpy())
    found = runtime(name).log_prob(value, *tensors(parameters))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_float32_keeps_its_precision(name: str, parameters: Parameters) -> None:
    """The error is within 100 roundings of the log-density, or of the largest term of a dozen."""
    value = likely(name, parameters).float().clamp(-1e15, 1e15)
    made = tensors(parameters, torch.float32)
    found = runtime(name).log_prob(value, *made)
    assert found.dtype == torch.float32
    exact = runtime(name).log_prob(value.double(), *(p.double() for p in made))
    allowed = 100 * FLOAT32 * exact.abs().clamp_min(12)
    near = (found.double() - exact).abs() <= allowed
    assert (near | (found == exact)).all(), (found - exact).abs().max()


@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_it_sums_to_one(name: str, parameters: Parameters) -> None:
    points, weights = grid(name, parameters)
    total = (weights * runtime(name).log_prob(points, *tensors(parameters)).exp()).sum()
    assert abs(float(total) - 1) < 1e-8


@pytest.mark.parametrize(("name", "value", "parameters", "expected"), EDGES)
def test_the_edges_of_the_support(
    name: str, value: object, parameters: Parameters, expected: float
) -> None:
    found = float(runtime(name).log_prob(torch.tensor(value).double(), *tensors(parameters)))
    assert found == expected or abs(found - expected) < 1e-12


@pytest.mark.parametrize(("name", "value", "parameters"), OUTSIDE)
def test_outside_the_support_is_impossible(
    name: str, value: object, parameters: Parameters
) -> None:
    found = runtime(name).log_prob(torch.tensor(value).double(), *tensors(parameters))
    assert float(found) == -math.inf


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("name", "value", "parameters"), [*(e[:3] for e in EDGES), *OUTSIDE, *EXTREMES]
)
def test_gradients_are_finite_at_edges_outside_and_far_away(
    name: str, value: object, parameters: Parameters, dtype: torch.dtype
) -> None:
    x = torch.tensor(value, dtype=dtype)
    made = tuple(p.to(dtype).detach().requires_grad_() for p in tensors(parameters))
    log_p = runtime(name).log_prob(x, *made)
    assert not log_p.isnan()
    if DISTRIBUTIONS[name].improper:
        return  # the log-density is constant
    declared = DISTRIBUTIONS[name].parameters
    free = [d.name not in ROWS[name].fixed for d in declared]
    wanted = [p for p, is_free in zip(made, free, strict=True) if is_free]
    for gradient in torch.autograd.grad(log_p, wanted, allow_unused=True):
        assert gradient is None or gradient.isfinite().all()


@pytest.mark.parametrize(("name", "value", "parameters"), EXTREMES)
def test_far_away_is_finite(name: str, value: object, parameters: Parameters) -> None:
    for dtype in (torch.float32, torch.float64):
        made = tensors(parameters, dtype)
        assert runtime(name).log_prob(torch.tensor(value, dtype=dtype), *made).isfinite()


@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_gradients_are_those_of_finite_differences(name: str, parameters: Parameters) -> None:
    value = typical(name, parameters, 4)  # an even number excludes the median, a kink of laplace
    value.requires_grad_(DISTRIBUTIONS[name].continuous)
    made = differentiable(name, parameters)
    assert torch.autograd.gradcheck(runtime(name).log_prob, (value, *made), atol=1e-5)


@pytest.mark.parametrize(("name", "parameters"), MEANS)
def test_the_mean_is_the_sum_of_values(name: str, parameters: Parameters) -> None:
    points, weights = grid(name, parameters)
    made = tensors(parameters)
    mass = weights * runtime(name).log_prob(points, *made).exp()
    by_sum = (points.mT * mass).sum(-1) if points.dim() > 1 else (points * mass).sum()
    tolerance = 1e-3 if name == "student_t" and parameters[0] < 2 else 1e-8
    torch.testing.assert_close(runtime(name).mean(*made), by_sum, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("name", "parameters"), ENTROPIES)
def test_the_entropy_is_the_sum_of_surprises(name: str, parameters: Parameters) -> None:
    points, weights = grid(name, parameters)
    made = tensors(parameters)
    log_p = runtime(name).log_prob(points, *made)
    mass = weights * log_p.exp()
    by_sum = -torch.where(mass > 0, mass * log_p, 0.0).sum()
    torch.testing.assert_close(runtime(name).entropy(*made), by_sum, rtol=1e-8, atol=1e-8)


TAILS = {
    "normal": [(z, (0.0, 1.0)) for z in (-300.0, -40.0, -6.0, 6.0, 40.0, 300.0)],
    "logistic": [(z, (0.0, 1.0)) for z in (-500.0, 500.0)],
    "log_normal": [(1e-30, (0.0, 1.0)), (1e30, (0.0, 1.0))],
    "exponential": [(1e-30, (1.0,)), (500.0, (1.0,))],
    "weibull": [(1e-30, (1.0, 0.5)), (50.0, (1.0, 2.0)), (1e-3, (1.0, 7.5))],
    "pareto": [(1e30, (1.0, 5.0)), (1.0001, (1.0, 0.3))],
    "laplace": [(z, (0.0, 1.0)) for z in (-500.0, 0.0, 1e-3, 500.0)],
    "gumbel": [(z, (0.0, 1.0)) for z in (-4.0, 50.0)],
    "cauchy": [(z, (0.0, 1.0)) for z in (-1e15, -30.0, 0.0, 30.0, 1e15)],
    "half_cauchy": [(z, (1.0,)) for z in (1e-15, 1e-3, 30.0, 1e15)],
    "half_normal": [(z, (1.0,)) for z in (1e-15, 1e-3, 0.999, 1.001, 6.0, 40.0)],
    "uniform": [(1e-9, (0.0, 1.0)), (2.5, (1.0, 3.0))],
    "gamma": [
        *((x, (0.5, 1.0)) for x in (1e-30, 1e-3, 700.0)),
        *((x, (40.0, 2.0)) for x in (1e-3, 20.0, 300.0)),
        (9e3, (1e4, 1.0)),
        (1.1e4, (1e4, 1.0)),
    ],
    "inverse_gamma": [(1e-2, (3.0, 2.0)), (0.05, (30.0, 1.0)), (1e3, (3.0, 2.0))],
    "beta": [(1e-9, (2.0, 3.0)), (0.01, (20.0, 0.3)), (0.5, (900.0, 400.0)), (0.9, (900.0, 400.0))],
    "generalized_normal": [(z, (0.0, 1.0, 1.5)) for z in (-60.0, -1e-3, 0.0, 5.0, 60.0)],
    "student_t": [
        *((z, (3.0, 0.0, 1.0)) for z in (-1e6, -30.0, -1e-3, 0.0, 1e-5, 0.5, 30.0, 1e6)),
        *((z, (40.0, 0.0, 1.0)) for z in (-1e3, -6.0, 1e-4, 6.0)),
        *((z, (0.5, 0.0, 1.0)) for z in (-1e9, 0.1)),
    ],
    "continuous_bernoulli": [
        *((x, (0.0,)) for x in (1e-9, 0.4)),
        *((x, (1e-9,)) for x in (1e-9, 0.4)),
        *((x, (0.4,)) for x in (1e-9, 0.7)),
        *((x, (90.0,)) for x in (1e-3, 0.5, 0.99)),
        *((x, (-90.0,)) for x in (1e-3, 0.5, 0.99)),
    ],
    "half_student_t": [
        *((z, (3.0, 1.0)) for z in (1e-15, 1e-4, 0.01, 0.5, 30.0, 1e6)),
        *((z, (40.0, 1.0)) for z in (1e-4, 6.0, 1e3)),
    ],
    "poisson": [(0.0, (200.0,)), (50.0, (2.0,)), (3e3, (2500.0,)), (2.0, (1e-3,)), (0.0, (1e-3,))],
    "binomial": [(1.0, (900.0, 1.0)), (890.0, (900.0, 1.0)), (20.0, (20.0, -1.0))],
    "negative_binomial": [(0.0, (90.0, 1.0)), (400.0, (3.0, 1.0)), (5.0, (0.3, -4.0))],
    "beta_binomial": [(0.0, (50.0, 20.0, 3.0)), (49.0, (50.0, 3.0, 20.0))],
}


def tails(name: str, parameters: Parameters) -> list[tuple[Tensor, Parameters]]:
    """Points of the middle, and some of the tails with their own parameters."""
    far = [(torch.tensor([x], dtype=torch.float64), p) for x, p in TAILS[name]]
    return [(typical(name, parameters, 20), parameters), *far]


def log_tails(exact: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log F and log(1 - F), each from the other where that is smaller."""
    log_p, log_q = exact.logcdf(x), exact.logsf(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        near_p, near_q = np.log1p(-np.exp(log_q)), np.log1p(-np.exp(log_p))
    return np.where(log_q < log_p, near_p, log_p), np.where(log_p < log_q, near_q, log_q)


@pytest.mark.parametrize(("name", "parameters"), CDFS)
def test_the_distribution_function_is_the_oracles(name: str, parameters: Parameters) -> None:
    """Both tails, in both types, relative to their logarithms; and the value that has them."""
    for value, given in tails(name, parameters):
        for dtype in (torch.float64, torch.float32):
            made, x = tensors(given, dtype), value.to(dtype)
            exact = ROWS[name].frozen(*(p.double().item() for p in made))
            log_p, log_q = runtime(name).tails(x, *made)
            rounding = 200 * torch.finfo(dtype).eps
            at = x.double().numpy()
            counts = not hasattr(exact, "logpdf")
            for found, wanted in zip((log_p, log_q), log_tails(exact, at), strict=True):
                # A rounding of x changes the logarithm by x times its slope.
                log_density = exact.logpmf(at) if counts else exact.logpdf(at)
                slope = np.abs(at) * np.exp(log_density - wanted)
                scale = torch.from_numpy(np.maximum(np.abs(wanted), slope))
                room = rounding * scale + torch.finfo(dtype).tiny
                apart = (found.double() - torch.from_numpy(wanted)).abs()
                assert ((apart <= room) | (found == torch.from_numpy(wanted))).all()
            back = runtime(name).quantile(log_p, log_q, *made)
            if counts:
                assert (back == x).all()
                continue
            near = torch.minimum(log_p, log_q).double().numpy()
            slope = np.exp(exact.logpdf(at) - near) * np.abs(at)
            room = torch.from_numpy(rounding * (1 + np.abs(near) / np.maximum(slope, 1e-30)))
            spread = torch.from_numpy(np.abs(at)) + sum(p.double().abs() for p in made)
            assert ((back.double() - x.double()).abs() <= room * spread).all()


@pytest.mark.parametrize(("name", "parameters"), CDFS)
def test_the_distribution_function_has_the_right_gradient(
    name: str, parameters: Parameters
) -> None:
    """By finite differences in the middle; finite at edges, outside of the support and far away."""
    value = typical(name, parameters, 4).requires_grad_(DISTRIBUTIONS[name].continuous)
    made = differentiable(name, parameters)
    for way in (0, 1):

        def function(*given: Tensor, way: int = way) -> Tensor:
            return runtime(name).tails(*given)[way]

        inside = value[function(value, *made).isfinite()]
        assert torch.autograd.gradcheck(function, (inside, *made), atol=1e-5)
        points = [e[:2] for e in ROWS[name].edges] + [*ROWS[name].outside, *TAILS[name]]
        for x, given in points:
            for dtype in (torch.float32, torch.float64):
                free = [p.requires_grad_() for p in tensors(given, dtype)]
                found = function(torch.tensor(x, dtype=dtype), *free)
                assert not found.isnan()
                if found.requires_grad:
                    gradients = torch.autograd.grad(found, free, allow_unused=True)
                    assert all(g is None or g.isfinite() for g in gradients)


@pytest.mark.parametrize("df", [0.5, 3.0, 200.0])
def test_the_distribution_function_of_student_t_has_a_gradient_at_the_centre(df: float) -> None:
    """There |x - loc| has none; `truncated(student_t)` has an end at loc when both are 0."""
    given = [p.requires_grad_() for p in tensors((0.0, df, 0.0, 0.7))]
    assert torch.autograd.gradcheck(runtime("student_t").tails, given, atol=1e-8)


def test_the_test_of_distribution_functions_can_fail() -> None:
    """log(1 - F) of the normal distribution, by the difference, is -inf beyond 9 deviations."""
    module, x = runtime("normal"), torch.tensor([40.0], dtype=torch.float64)
    log_p, log_q = module.tails(x, 0.0, 1.0)
    assert (1 - log_p.exp()).log().isinf() and log_q.isfinite()


@pytest.mark.parametrize(("name", "other"), KLS)
def test_the_divergence_is_the_sum_of_log_ratios(name: str, other: str) -> None:
    divergence = getattr(runtime(name), f"kl_{other}")
    compared = 0
    for p, q in pairs(name, other):
        points, weights = grid(name, p, ROWS[other].breaks(*q))
        made_p, made_q = tensors(p), tensors(q)
        log_p = runtime(name).log_prob(points, *made_p)
        log_q = runtime(other).log_prob(points, *made_q)
        mass = weights * log_p.exp()
        by_sum = torch.where(mass > 0, mass * (log_p - log_q), 0.0).sum()
        torch.testing.assert_close(divergence(*made_p, *made_q), by_sum, rtol=1e-8, atol=1e-8)
        compared += p != q
    assert compared


def pairs(name: str, other: str) -> list[tuple[Parameters, Parameters]]:
    """Pairs of parameters of two distributions with equal sizes."""
    return [
        (p, q)
        for p in ROWS[name].parameters
        for q in ROWS[other].parameters
        if [t.shape for t in tensors(p)] == [t.shape for t in tensors(q)]
    ]


@pytest.mark.parametrize("name", [n for n in DISTRIBUTIONS if DISTRIBUTIONS[n].finite])
def test_the_listed_values_are_all(name: str) -> None:
    module = runtime(name)
    for parameters in ROWS[name].parameters:
        made = tensors(parameters)
        declared = zip(DISTRIBUTIONS[name].parameters, parameters, strict=True)
        known = {p.name: v for p, v in declared if not p.dims}
        known["n"] = next((len(p) for p in parameters if isinstance(p, list)), 0)
        support = DISTRIBUTIONS[name].result(known)
        high = getattr(support, "high", None)
        classes = int(known["n"] if high is None else high + 1)
        values = module.enumerate_values(classes=classes, dtype=torch.float64, device="cpu")
        assert values.dtype == torch.float64 and len(values) == classes
        assert len(values.unique(dim=0)) == classes
        assert abs(float(module.log_prob(values, *made).exp().sum()) - 1) < 1e-12


@pytest.mark.parametrize("name", [n for n in DISTRIBUTIONS if DISTRIBUTIONS[n].finite])
def test_values_cannot_be_listed_without_their_number(name: str) -> None:
    if name == "bernoulli":
        assert runtime(name).enumerate_values(dtype=torch.float32, device="cpu").tolist() == [0, 1]
    else:
        with pytest.raises(ValueError, match="not known"):
            runtime(name).enumerate_values(classes=None, dtype=torch.float32, device="cpu")
