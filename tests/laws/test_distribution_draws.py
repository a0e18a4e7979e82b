"""Laws of draws: their distribution, mean and gradient, and their dependence on counters alone.

A draw test compares 20,000 draws of a fixed seed with the oracle and rejects at p = 1e-6; with
fewer than 150 such tests a correct program fails for one seed in 7,000. A gradient test rejects
beyond 4.5 standard errors (probability 7e-6).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from specc.catalog.registry import DISTRIBUTIONS
from specc.runtime.noise import Noise
from tests.laws.test_distributions import CASES, MEANS, runtime
from tests.oracles.distributions import ROWS, Parameters, grid, tensors

DRAWS = 20_000
GRADIENT_DRAWS = 50_000
FALSE_ALARM = 1e-6
STANDARD_ERRORS = 4.5

REPARAMETERIZED = [c for c in CASES if DISTRIBUTIONS[c[0]].reparameterized]
VARIANCES = [c for c in MEANS if c[0] != "student_t" or c[1][0] > 2]
NOISES = [c for c in CASES if c[1] == ROWS[c[0]].parameters[0]]


def noise(*counters: int, dtype: torch.dtype = torch.float64) -> Noise:
    return Noise.at(20, *counters, dtype=dtype)


def event_of(name: str, made: tuple[Tensor, ...]) -> tuple[int, ...]:
    """The shape of a draw; a matrix whose size no parameter gives is of two variables."""
    dims = DISTRIBUTIONS[name].result_dims
    if is_sized(name):
        return tuple(made[-1].shape[-1:]) if dims else ()
    return (2,) * len(dims)


def is_sized(name: str) -> bool:
    """Whether the parameters give the shape of a draw."""
    entry = DISTRIBUTIONS[name]
    return not entry.result_dims or any(p.dims for p in entry.parameters)


def drawn(name: str, parameters: Parameters, dtype: torch.dtype) -> Tensor:
    made = tensors(parameters, dtype)
    return runtime(name).sample(noise(dtype=dtype), *made, shape=(DRAWS, *event_of(name, made)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_draws_follow_the_distribution(
    name: str, parameters: Parameters, dtype: torch.dtype
) -> None:
    row = ROWS[name]
    values = drawn(name, parameters, dtype).double().numpy()
    projections = row.projections or (lambda *p: [(lambda x: x, row.frozen(*p))])
    for project, frozen in projections(*parameters):
        assert p_value(project(values), frozen) > FALSE_ALARM


def p_value(values: np.ndarray, frozen: Any) -> float:
    """The p-value of draws under `frozen`, by Kolmogorov-Smirnov or chi-square."""
    if not hasattr(frozen, "pmf"):
        return float(stats.kstest(values, frozen.cdf).pvalue)
    low, high = frozen.support()
    listed = np.arange(low, min(high, values.max() + 50) + 1)
    expected = len(values) * frozen.pmf(listed)
    counted = np.array([(values == k).sum() for k in listed])
    assert counted.sum() == len(values)
    often = expected >= 10
    observed = np.append(counted[often], counted[~often].sum())
    wanted = np.append(expected[often], len(values) - expected[often].sum())
    kept = wanted > 1e-6 * len(values)
    assert observed[~kept].sum() == 0
    if kept.sum() < 2:
        return 1.0
    square = ((observed - wanted)[kept] ** 2 / wanted[kept]).sum()
    return float(stats.chi2(kept.sum() - 1).sf(square))


def test_the_draw_test_can_fail() -> None:
    values = drawn("normal", (0.0, 1.0), torch.float64).numpy()
    assert p_value(values, stats.norm(0.05, 1.0)) < FALSE_ALARM
    counts = drawn("poisson", (3.0,), torch.float64).numpy()
    assert p_value(counts, stats.poisson(3.15)) < FALSE_ALARM


@pytest.mark.parametrize(("name", "parameters"), VARIANCES)
def test_draws_average_to_the_mean(name: str, parameters: Parameters) -> None:
    values = drawn(name, parameters, torch.float64)
    error = values.std(0) / DRAWS**0.5
    found = runtime(name).mean(*tensors(parameters))
    assert ((values.mean(0) - found).abs() <= STANDARD_ERRORS * error).all()


Draw = Callable[..., Tensor]


@pytest.mark.parametrize(("name", "parameters"), REPARAMETERIZED)
def test_the_pathwise_gradient_is_that_of_the_expectation(
    name: str, parameters: Parameters
) -> None:
    found = pathwise_gradients(name, parameters, runtime(name).rsample)
    for per_draw, exact in zip(found, exact_gradients(name, parameters), strict=True):
        assert (distance(per_draw, exact) <= STANDARD_ERRORS).all()


@pytest.mark.parametrize("name", [n for n in DISTRIBUTIONS if DISTRIBUTIONS[n].reparameterized])
def test_a_draw_cut_off_from_its_parameters_is_found_out(name: str) -> None:
    """The gradient 0 of such a draw is rejected for every parameter in some case."""
    unseen = {p.name for p in DISTRIBUTIONS[name].parameters}
    for parameters in ROWS[name].parameters:
        right = pathwise_gradients(name, parameters, runtime(name).rsample)
        exact = exact_gradients(name, parameters)
        declared = DISTRIBUTIONS[name].parameters
        for parameter, per_draw, wanted in zip(declared, right, exact, strict=True):
            cut = per_draw - per_draw.mean(0)
            if (distance(cut, wanted) > STANDARD_ERRORS).any():
                unseen.discard(parameter.name)
    assert not unseen


def distance(per_draw: Tensor, exact: Tensor) -> Tensor:
    """The distance of the mean from the exact one in standard errors; 0 for constant entries."""
    error = per_draw.std(0) / len(per_draw) ** 0.5
    return (per_draw.mean(0) - exact).abs() / error.clamp_min(1e-9)


def statistic(x: Tensor, name: str, parameters: Parameters) -> Tensor:
    """A bounded function of a draw, whose expectation depends on every parameter."""
    if not is_sized(name):  # the row of a correlation
        x = x[..., 1, :]
    if x.dim() > 1 or DISTRIBUTIONS[name].result_dims:
        weights = torch.tensor([1.0, -0.6, 0.3], dtype=x.dtype)[: x.shape[-1]]
        return torch.sin(2 * x @ weights) + torch.cos(3 * x[..., 0])
    low, middle, high = ROWS[name].frozen(*parameters).ppf(np.array([0.25, 0.5, 0.75]))
    z = (x - middle) / (high - low)
    return torch.atan(z) + torch.exp(-z * z)


def exact_gradients(name: str, parameters: Parameters) -> list[Tensor]:
    """The derivative of the sum over the grid of p(x) f(x), from the log-density."""
    if name == "uniform":
        return uniform_gradients(parameters)
    points, weights = grid(name, parameters)
    keep = runtime(name).log_prob(points, *tensors(parameters)) > -300
    points, weights = points[keep], weights[keep]
    made = [p.requires_grad_() for p in tensors(parameters)]
    mass = weights * runtime(name).log_prob(points, *made).exp()
    expectation = (mass * statistic(points, name, parameters)).sum()
    gradients = list(torch.autograd.grad(expectation, made))
    if name == "pareto":  # the first parameter is the end of the integral
        at_end = runtime(name).log_prob(made[0], *made).exp().detach()
        gradients[0] = gradients[0] - at_end * statistic(made[0].detach(), name, parameters)
    return [g.tril() if g.dim() > 1 else g for g in gradients]  # a matrix is a triangular factor


def uniform_gradients(parameters: Parameters) -> list[Tensor]:
    """The exact gradients by Leibniz's rule, since the parameters are ends of the integral."""
    low, high = tensors(parameters)
    points, weights = grid("uniform", parameters)
    f_low, f_high, f = (statistic(x, "uniform", parameters) for x in (low, high, points))
    expectation = (weights * f).sum() / (high - low)
    return [(expectation - f_low) / (high - low), (f_high - expectation) / (high - low)]


def pathwise_gradients(name: str, parameters: Parameters, draw: Draw) -> list[Tensor]:
    """The gradient of f(x) with respect to each parameter, at each draw."""
    made = [
        p.expand(GRADIENT_DRAWS, *p.shape).clone().requires_grad_() for p in tensors(parameters)
    ]
    shape = None if is_sized(name) else (GRADIENT_DRAWS, *event_of(name, tuple(made)))
    x = draw(noise(1), *made) if shape is None else draw(noise(1), *made, shape=shape)
    gradients = torch.autograd.grad(statistic(x, name, parameters).sum(), made)
    return [g.tril() if g.dim() > 2 else g for g in gradients]


@pytest.mark.parametrize(("name", "parameters"), NOISES)
def test_the_counters_decide_the_draws(name: str, parameters: Parameters) -> None:
    made = tensors(parameters)
    shape = (64, *event_of(name, made))

    def draw(*counters: int) -> Tensor:
        torch.manual_seed(sum(counters))  # the global generator has no effect
        return runtime(name).sample(noise(*counters), *made, shape=shape)

    assert torch.equal(draw(1, 2), draw(1, 2))
    assert not torch.equal(draw(1, 2), draw(1, 3))
    assert not torch.equal(draw(1, 2), draw(2, 2))
    before = torch.random.get_rng_state()
    runtime(name).sample(noise(1), *made, shape=shape)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("name", [n for n in DISTRIBUTIONS if DISTRIBUTIONS[n].reparameterized])
def test_the_two_draws_are_one(name: str) -> None:
    made = tensors(ROWS[name].parameters[0])
    given = {} if is_sized(name) else {"shape": event_of(name, made)}
    with_gradient = runtime(name).rsample(noise(1), *(p.requires_grad_() for p in made), **given)
    without = runtime(name).sample(noise(1), *made, **given)
    assert with_gradient.requires_grad and not without.requires_grad
    assert torch.equal(with_gradient, without)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "name", ["beta", "dirichlet", "gamma", "inverse_gamma", "log_normal", "student_t"]
)
def test_draws_of_small_concentrations_stay_inside(name: str, dtype: torch.dtype) -> None:
    """Gamma variates underflow at a concentration of 0.01, but no draw may be 0, 1 or NaN.

    Its log-density, which is part of importance weights, must be finite, too.
    """
    small = {
        "beta": (0.01, 0.01),
        "dirichlet": ([0.01, 0.01],),
        "gamma": (0.001, 50.0),
        "inverse_gamma": (0.001, 1.0),
        "log_normal": (0.0, 200.0),
        "student_t": (0.01, 0.0, 1.0),
    }[name]
    made = [p.requires_grad_() for p in tensors(small, dtype)]
    event = (2,) if name == "dirichlet" else ()
    values = runtime(name).rsample(noise(1, dtype=dtype), *made, shape=(DRAWS, *event))
    assert values.isfinite().all()
    assert runtime(name).log_prob(values, *made).isfinite().all()
    if name in ("gamma", "inverse_gamma", "log_normal"):
        assert (values > 0).all()
    if name in ("beta", "dirichlet"):
        assert (values > 0).all()
        half = (values.reshape(DRAWS, -1)[:, 0] > 0.5).double().mean()
        assert abs(half - 0.5) < STANDARD_ERRORS * 0.5 / DRAWS**0.5
        assert ((values.reshape(DRAWS, -1)[:, 0] - 0.5).abs() < 0.4).double().mean() < 0.05
    for gradient in torch.autograd.grad(torch.atan(values).sum(), made):
        assert gradient.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rate", [2.0**29, 2.0**31, 1e19, 1e30, 1e38])
def test_counts_of_large_rates(rate: float, dtype: torch.dtype) -> None:
    """Counts are neither negative nor infinite; at rates beyond the precision they equal the rate.

    In float64 they follow the normal limit up to there, at the false-alarm rate of other tests.
    """
    values = noise(dtype=dtype).poisson(rate, (DRAWS,)).double()
    assert (values > 0).all() and values.isfinite().all()
    error = max(rate**0.5 / DRAWS**0.5, torch.finfo(dtype).eps * rate)
    assert abs(float((values - rate).mean())) < STANDARD_ERRORS * error
    if dtype == torch.float64 and rate < 1e25:
        scaled = ((values - rate) / rate**0.5).numpy()
        assert stats.kstest(scaled, stats.norm.cdf).pvalue > FALSE_ALARM


def test_counts_of_a_negative_binomial_of_a_large_mean() -> None:
    """With r = 3 and a mean of 1.6e22 counts follow a gamma distribution, beyond int64."""
    made = tensors((3.0, 50.0))
    values = runtime("negative_binomial").sample(noise(), *made, shape=(DRAWS,)).numpy()
    assert stats.kstest(values, stats.gamma(3.0, scale=np.exp(50.0)).cdf).pvalue > FALSE_ALARM


@pytest.mark.parametrize("count", [1e3, 1e9])
def test_counts_of_many_trials_in_float32(count: float) -> None:
    """The standard deviation of counts of probability 1/4, up to a rounding of 2^-24."""
    values = noise(dtype=torch.float32).binomial(count, 0.25, (DRAWS,)).double()
    deviation = float((values - 0.25 * count).std()) / (count * 0.1875) ** 0.5
    assert abs(deviation - 1) < STANDARD_ERRORS / (2 * DRAWS) ** 0.5


@pytest.mark.parametrize("logits", [-1e6, 30.0, 1e6])
def test_a_continuous_bernoulli_stays_inside(logits: float) -> None:
    """Also if the uniform number is 0, which has the probability 2^-24 in float32."""

    class Zeros(Noise):
        def uniform(self, shape: object) -> Tensor:
            return torch.zeros(4)

    fixed = Zeros(torch.Generator(), torch.float32)
    values = runtime("continuous_bernoulli").rsample(fixed, torch.tensor(logits), shape=(4,))
    assert ((values >= 0) & (values <= 1)).all()
