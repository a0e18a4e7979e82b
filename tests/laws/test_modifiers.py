"""Laws of modified distributions: the density against an oracle, its sum, gradients, draws.

A draw test compares 20,000 draws of a fixed seed with the oracle and rejects at p = 1e-6; a
gradient test rejects beyond 4.5 standard errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from scipy import special, stats
from torch import Tensor

from specc.catalog import modifiers as catalog_folder
from specc.catalog.entry import Distribution
from specc.catalog.modifier import class_name
from specc.catalog.registry import DISTRIBUTIONS, MODIFIERS
from specc.runtime import modifiers as runtime_folder
from specc.runtime.noise import Noise
from tests.laws.compiling import generated, program
from tests.laws.test_distribution_draws import (
    DRAWS,
    FALSE_ALARM,
    GRADIENT_DRAWS,
    STANDARD_ERRORS,
    p_value,
)
from tests.oracles import grids
from tests.oracles.distributions import Folded, LogDensity, TruncatedExponential, tensors

Parameters = tuple[Any, ...]
INF = math.inf


def modified(entry: Distribution) -> Any:
    """The run-time value of a distribution: its module, or `Truncated(normal)`."""
    if entry.base is None:
        return import_module(f"specc.runtime.distributions.{entry.name}")
    module = import_module(f"specc.runtime.modifiers.{entry.modifier}")
    return getattr(module, class_name(entry.modifier))(
        modified(entry.base), len(entry.base.result_dims)
    )


class Counts:
    """A distribution on counts 0 to 999, by its probabilities."""

    def __init__(self, pmf: Callable[[np.ndarray], np.ndarray]) -> None:
        self.probs = pmf(np.arange(1000.0))

    def support(self) -> tuple[float, float]:
        return 0, 999

    def pmf(self, x: np.ndarray) -> np.ndarray:
        return self.probs[np.asarray(x, dtype=int)]

    def logpmf(self, x: np.ndarray) -> np.ndarray:
        return np.log(self.pmf(x))


class Between:
    """A distribution of scipy, given that its value is between two ends."""

    def __init__(self, base: Any, lower: float, upper: float) -> None:
        self.base, self.ends = base, (lower, upper)
        self.mass = base.cdf(upper) - base.cdf(lower)

    def support(self) -> tuple[float, float]:
        low, high = self.base.support()
        return max(low, self.ends[0]), min(high, self.ends[1])

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        return self.base.logpdf(x) - np.log(self.mass)

    def cdf(self, x: np.ndarray) -> np.ndarray:
        return (self.base.cdf(x) - self.base.cdf(self.ends[0])) / self.mass


def counted(base: Any, lower: float, upper: float) -> Counts:
    """A distribution on counts, given that its value is between two ends, which are included."""

    def pmf(x: np.ndarray) -> np.ndarray:
        kept = np.where((x >= lower) & (x <= upper), base.pmf(x), 0.0)
        return np.asarray(kept / kept.sum())

    return Counts(pmf)


class Sum:
    """A mixture of distributions of scipy."""

    def __init__(self, logits: Any, parts: list[Any]) -> None:
        self.weights, self.parts = special.softmax(logits), parts

    def support(self) -> tuple[float, float]:
        return self.parts[0].support()

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        return np.log(sum(w * p.pdf(x) for w, p in zip(self.weights, self.parts, strict=True)))

    def cdf(self, x: np.ndarray) -> np.ndarray:
        return sum(w * p.cdf(x) for w, p in zip(self.weights, self.parts, strict=True))


def inflated(gate: float, base: Any) -> Counts:
    share = special.expit(gate)
    return Counts(lambda x: share * (x == 0) + (1 - share) * base.pmf(x))


def hurdle(gate: float, base: Any) -> Counts:
    share = special.expit(gate)
    return Counts(lambda x: np.where(x == 0, share, (1 - share) * base.pmf(x) / (1 - base.pmf(0))))


def vectors(logits: Any, locs: Any, factors: Any) -> LogDensity:
    weights = special.softmax(logits)
    parts = [
        stats.multivariate_normal(m, np.asarray(f) @ np.asarray(f).T)
        for m, f in zip(locs, factors, strict=True)
    ]
    return LogDensity(
        lambda x: np.log(sum(w * p.pdf(x) for w, p in zip(weights, parts, strict=True)))
    )


SEARCHED = {"gamma", "inverse_gamma", "beta", "generalized_normal", "poisson"} | {
    "student_t",
    "half_student_t",
    "negative_binomial",
    "binomial",
    "beta_binomial",
}


@dataclass(frozen=True)
class Case:
    """A modified distribution, its parameters, and an independent one."""

    name: str
    parameters: Parameters
    frozen: Any
    fixed: tuple[int, ...] = ()
    breaks: tuple[float, ...] = ()

    @property
    def entry(self) -> Distribution:
        return DISTRIBUTIONS[self.name]

    @property
    def share(self) -> int:
        """The part of the draws: those by a search on an integral are fewer."""
        base = self.entry.base
        is_slow = self.entry.modifier == "truncated" and base is not None and base.name in SEARCHED
        return 10 if is_slow else 1

    def tensors(self, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
        return tensors(self.parameters, dtype)

    def free(self) -> tuple[Tensor, ...]:
        made = self.tensors()
        return tuple(
            p.requires_grad_(i not in self.fixed and bool(p.isfinite().all()))
            for i, p in enumerate(made)
        )

    def grid(self) -> grids.Grid:
        if isinstance(self.frozen, LogDensity):
            return grids.plane(np.zeros(2), np.eye(2) * 1.5)
        low, high = self.frozen.support()
        if isinstance(self.frozen, Counts):
            return grids.integers(int(low), int(high))
        return grids.interval(low, high, self.breaks)

    def likely(self) -> Tensor:
        points = self.grid()[0]
        with np.errstate(all="ignore"):
            kept = points[torch.from_numpy(self.log_prob(points) > -200)]
        return kept[:: max(1, len(kept) // 300)]

    def log_prob(self, x: Tensor) -> np.ndarray:
        density = getattr(self.frozen, "logpdf", None) or self.frozen.logpmf
        return np.asarray(density(x.numpy()))


LOCS = [[0.5, -1.0], [-1.0, 0.3]]
FACTORS = [[[0.8, 0.0], [-0.5, 1.2]], [[1.0, 0.0], [0.3, 0.5]]]
CASES = [
    Case("zero_inflated(poisson)", (-0.5, 3.0), inflated(-0.5, stats.poisson(3))),
    Case("zero_inflated(poisson)", (2.0, 0.2), inflated(2.0, stats.poisson(0.2))),
    Case(
        "zero_inflated(negative_binomial)",
        (0.3, 2.5, 0.4),
        inflated(0.3, stats.nbinom(2.5, special.expit(-0.4))),
    ),
    Case(
        "zero_inflated(binomial)",
        (0.3, 7.0, 0.4),
        inflated(0.3, stats.binom(7, special.expit(0.4))),
        (1,),
    ),
    Case("hurdle(poisson)", (-0.5, 3.0), hurdle(-0.5, stats.poisson(3))),
    Case("hurdle(poisson)", (1.0, 0.1), hurdle(1.0, stats.poisson(0.1))),
    Case(
        "hurdle(negative_binomial)",
        (0.3, 2.5, 0.4),
        hurdle(0.3, stats.nbinom(2.5, special.expit(-0.4))),
    ),
    Case("truncated(normal)", (-1.0, 2.0, 0.3, 1.2), Between(stats.norm(0.3, 1.2), -1, 2)),
    Case("truncated(normal)", (0.0, INF, -0.5, 1.0), Between(stats.norm(-0.5), 0, INF)),
    Case("truncated(normal)", (-INF, 1.0, 0.5, 1.0), Between(stats.norm(0.5), -INF, 1)),
    Case("truncated(logistic)", (0.5, 3.0, 0.0, 0.7), Between(stats.logistic(0, 0.7), 0.5, 3)),
    Case(
        "truncated(weibull)", (0.5, 3.0, 1.5, 2.0), Between(stats.weibull_min(2, scale=1.5), 0.5, 3)
    ),
    Case("truncated(exponential)", (0.1, 2.0, 1.5), Between(stats.expon(scale=1 / 1.5), 0.1, 2)),
    Case(
        "truncated(log_normal)",
        (0.2, INF, 0.1, 0.8),
        Between(stats.lognorm(0.8, scale=math.exp(0.1)), 0.2, INF),
    ),
    Case("truncated(pareto)", (1.5, 9.0, 1.0, 2.0), Between(stats.pareto(2.0), 1.5, 9)),
    Case("truncated(cauchy)", (0.0, INF, 0.0, 2.5), Between(stats.cauchy(0, 2.5), 0, INF)),
    Case("truncated(gumbel)", (-INF, 1.0, 0.3, 0.8), Between(stats.gumbel_r(0.3, 0.8), -INF, 1)),
    Case(
        "truncated(laplace)",
        (-0.5, 2.0, 0.1, 0.8),
        Between(stats.laplace(0.1, 0.8), -0.5, 2),
        (),
        (0.1,),
    ),
    Case(
        "truncated(gamma)", (0.5, 4.0, 2.5, 1.3), Between(stats.gamma(2.5, scale=1 / 1.3), 0.5, 4)
    ),
    Case(
        "truncated(inverse_gamma)",
        (0.2, INF, 3.0, 2.0),
        Between(stats.invgamma(3, scale=2), 0.2, INF),
    ),
    Case("truncated(beta)", (0.1, 0.6, 2.0, 3.0), Between(stats.beta(2, 3), 0.1, 0.6)),
    Case(
        "truncated(student_t)",
        (-2.0, 1.0, 6.0, 0.5, 1.5),
        Between(stats.t(6.0, 0.5, 1.5), -2.0, 1.0),
        (),
        (0.5,),
    ),
    Case(
        "truncated(half_student_t)",
        (0.3, 2.0, 4.0, 1.2),
        Between(Folded(stats.t(4.0, scale=1.2)), 0.3, 2.0),
    ),
    Case(
        "truncated(continuous_bernoulli)",
        (0.2, 0.9, 1.5),
        Between(TruncatedExponential(1.5), 0.2, 0.9),
    ),
    Case("truncated(uniform)", (-INF, 2.0, -1.0, 3.0), Between(stats.uniform(-1, 4), -INF, 2)),
    Case(
        "truncated(generalized_normal)",
        (-0.5, 2.0, 0.1, 0.8, 1.5),
        Between(stats.gennorm(1.5, 0.1, 0.8), -0.5, 2),
        (),
        (0.1,),
    ),
    Case("truncated(poisson)", (1.0, INF, 2.5), counted(stats.poisson(2.5), 1, INF), (0, 1)),
    Case("truncated(poisson)", (0.5, 6.7, 9.0), counted(stats.poisson(9.0), 0.5, 6.7), (0, 1)),
    Case(
        "truncated(negative_binomial)",
        (2.0, INF, 2.5, 0.4),
        counted(stats.nbinom(2.5, special.expit(-0.4)), 2, INF),
        (0, 1),
    ),
    Case(
        "truncated(binomial)",
        (-INF, 4.0, 7.0, 0.4),
        counted(stats.binom(7, special.expit(0.4)), -INF, 4),
        (0, 1, 2),
    ),
    Case(
        "truncated(beta_binomial)",
        (1.0, 6.0, 7.0, 2.0, 1.5),
        counted(stats.betabinom(7, 2, 1.5), 1, 6),
        (0, 1, 2),
    ),
    Case(
        "mixture(normal)",
        ([0.3, -0.5], [-2.0, 1.0], [1.0, 0.5]),
        Sum([0.3, -0.5], [stats.norm(-2, 1), stats.norm(1, 0.5)]),
    ),
    Case(
        "mixture(gamma)",
        ([0.0, 1.0, -1.0], [2.0, 5.0, 1.0], [1.0, 1.0, 3.0]),
        Sum([0.0, 1.0, -1.0], [stats.gamma(2), stats.gamma(5), stats.gamma(1, scale=1 / 3)]),
    ),
    Case(
        "mixture(multivariate_normal)",
        ([0.3, -0.5], LOCS, FACTORS),
        vectors([0.3, -0.5], LOCS, FACTORS),
    ),
    Case(
        "zero_inflated(mixture(poisson))",
        (-0.5, [0.0, 1.0], [1.0, 6.0]),
        inflated(
            -0.5,
            Counts(
                lambda x: sum(
                    w * stats.poisson(r).pmf(x)
                    for w, r in zip(special.softmax([0.0, 1.0]), (1.0, 6.0), strict=True)
                )
            ),
        ),
    ),
]
IDS = [f"{case.name}-{i}" for i, case in enumerate(CASES)]
EACH = pytest.mark.parametrize("case", CASES, ids=IDS)


def test_every_modifier_has_a_case() -> None:
    assert {case.entry.modifier for case in CASES} | {"censored", "ordered"} == set(MODIFIERS)
    for folder in (catalog_folder, runtime_folder):
        stems = {p.stem for p in Path(folder.__path__[0]).glob("*.py")}
        assert set(MODIFIERS) == stems - {"__init__", "modified", "interval"}


@EACH
def test_log_prob_is_the_oracles(case: Case) -> None:
    value = case.likely()
    found = modified(case.entry).log_prob(value, *case.tensors())
    np.testing.assert_allclose(found.numpy(), case.log_prob(value), rtol=1e-8, atol=1e-8)
    moved = list(case.tensors())
    at = next(i for i, p in enumerate(moved) if p.isfinite().all() and i not in case.fixed)
    moved[at] = moved[at] + torch.linspace(0.01, 0.02, moved[at].numel()).view(moved[at].shape)
    wrong = modified(case.entry).log_prob(value, *moved)
    assert (wrong - found).abs().max() > 1e-4
    narrow = case.tensors(torch.float32)
    low = value.float()
    exact = modified(case.entry).log_prob(low.double(), *(p.double() for p in narrow))
    near = modified(case.entry).log_prob(low, *narrow)
    assert near.dtype == torch.float32
    room = 100 * torch.finfo(torch.float32).eps * exact.abs().clamp_min(12)
    assert ((near.double() - exact).abs() <= room).logical_or(near == exact).all()


@EACH
def test_it_sums_to_one(case: Case) -> None:
    points, weights = case.grid()
    law, made = modified(case.entry), case.tensors()
    total = float((weights * law.log_prob(points, *made).exp()).sum())
    assert abs(total - 1) < 1e-8
    if case.entry.mean:
        mass = weights * law.log_prob(points, *made).exp()
        mean = (points.mT * mass).sum(-1) if points.dim() > 1 else (points * mass).sum()
        torch.testing.assert_close(law.mean(*made), mean, rtol=1e-8, atol=1e-8)


@EACH
def test_gradients_are_those_of_finite_differences(case: Case) -> None:
    points, weights = case.grid()
    with np.errstate(all="ignore"):
        mass = (weights * torch.from_numpy(np.exp(case.log_prob(points)))).cumsum(0)
    value = points[torch.searchsorted(mass, torch.tensor([0.2, 0.45, 0.8]).double())]
    law = modified(case.entry)
    assert torch.autograd.gradcheck(law.log_prob, (value, *case.free()), atol=1e-5)


@EACH
def test_draws_follow_the_distribution(case: Case) -> None:
    for dtype in (torch.float32, torch.float64):
        event = (2,) * len(case.entry.result_dims)
        made, noise = case.tensors(dtype), Noise.at(20, 1, dtype=dtype)
        size = (DRAWS // case.share, *event)
        drawn = modified(case.entry).sample(noise, *made, shape=size)
        assert drawn.dtype == dtype and drawn.shape == size
        alone = modified(case.entry).sample(noise, *made)
        assert alone.shape == event
        assert modified(case.entry).log_prob(drawn, *made).isfinite().all()
        values = drawn.double().numpy()
        if isinstance(case.frozen, LogDensity):
            _, logits, locs, factors = 0, *case.parameters
            parts = [
                stats.norm(m[1], np.linalg.norm(f[1])) for m, f in zip(locs, factors, strict=True)
            ]
            assert p_value(values[:, 1], Sum(logits, parts)) > FALSE_ALARM
        else:
            assert p_value(values, case.frozen) > FALSE_ALARM


PATHWISE = [case for case in CASES if case.entry.reparameterized]


@pytest.mark.parametrize("case", PATHWISE, ids=[f"{c.name}-{i}" for i, c in enumerate(PATHWISE)])
def test_the_pathwise_gradient_is_that_of_the_expectation(case: Case) -> None:
    """Of a function that is 0 at the ends, whose integral has no terms of the ends."""
    law = modified(case.entry)
    points, weights = case.grid()
    with np.errstate(all="ignore"):
        kept = torch.from_numpy(case.log_prob(points) > -300)
    points, weights = points[kept], weights[kept]
    ends = [end for end in case.frozen.support() if math.isfinite(end)]

    def statistic(x: Tensor) -> Tensor:
        inside = math.prod(1 - torch.exp(-4 * (x - end) ** 2) for end in ends)
        return inside * (torch.atan(x - 1) + torch.exp(-((x - 1) ** 2)))

    free = case.free()
    wanted = [p for p in free if p.requires_grad]
    expectation = (weights * law.log_prob(points, *free).exp() * statistic(points)).sum()
    exact = torch.autograd.grad(expectation, wanted)
    draws = GRADIENT_DRAWS // case.share**2
    each = [p.detach().expand(draws).clone().requires_grad_(p.requires_grad) for p in free]
    drawn = law.rsample(Noise.at(20, 2, dtype=torch.float64), *each)
    found = torch.autograd.grad(statistic(drawn).sum(), [p for p in each if p.requires_grad])
    seen = 0
    for per_draw, right in zip(found, exact, strict=True):
        error = per_draw.std() / draws**0.5
        assert (per_draw.mean() - right).abs() <= STANDARD_ERRORS * error.clamp_min(1e-9)
        seen += bool(right.abs() > STANDARD_ERRORS * error)  # a gradient of 0 is rejected
    assert seen


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_truncation_far_out_in_a_tail(dtype: torch.dtype) -> None:
    """Beyond 30 standard deviations it is nearly exponential with the rate 30."""
    law = modified(DISTRIBUTIONS["truncated(normal)"])
    for lower, upper, sign in ((30.0, INF, 1), (-INF, -30.0, -1)):
        made = [p.requires_grad_() for p in tensors((0.0, 1.0), dtype)]
        drawn = law.rsample(Noise.at(1, dtype=dtype), lower, upper, *made, shape=(DRAWS,))
        excess = (sign * drawn.detach() - 30).double()
        assert (excess >= 0).all()
        assert abs(float(excess.mean()) * 30 - 1) < 0.05
        log_p = law.log_prob(drawn, lower, upper, *made)
        assert log_p.isfinite().all()
        for gradient in torch.autograd.grad((log_p + drawn).sum(), made):
            assert gradient.isfinite().all()
        outside = law.log_prob(torch.tensor(sign * 29.0, dtype=dtype), lower, upper, *made)
        assert float(outside.detach()) == -INF


@pytest.mark.parametrize(
    ("name", "given"), [("truncated(gamma)", (0.5, 2.0)), ("censored(gamma)", (3.0, 2.0))]
)
def test_the_tails_are_computed_once_at_each_end(
    name: str, given: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    law, ends = modified(DISTRIBUTIONS[name]), []
    tails = law.base.tails

    def counting(value: Tensor, *parameters: Tensor) -> tuple[Tensor, Tensor]:
        ends.append(float(value))
        found: tuple[Tensor, Tensor] = tails(value, *parameters)
        return found

    monkeypatch.setattr(law.base, "tails", counting)
    law.log_prob(torch.tensor(1.0), *given, 2.0, 1.0)
    assert ends == [1.0 if name == "censored(gamma)" else 0.5, 2.0]


CENSORED = ["weibull", "normal", "log_normal", "gamma", "poisson", "negative_binomial", "binomial"]
CENSORED += ["student_t"]


@pytest.mark.parametrize("name", CENSORED)
def test_censored_values_have_the_probability_of_what_is_known(name: str) -> None:
    frozen, parameters = {
        "weibull": (stats.weibull_min(1.3, scale=2.0), (2.0, 1.3)),
        "normal": (stats.norm(1.0, 0.7), (1.0, 0.7)),
        "log_normal": (stats.lognorm(0.7, scale=math.e), (1.0, 0.7)),
        "gamma": (stats.gamma(2.0, scale=1 / 1.5), (2.0, 1.5)),
        "student_t": (stats.t(3.0, 1.0, 0.7), (3.0, 1.0, 0.7)),
        "poisson": (stats.poisson(1.7), (1.7,)),
        "negative_binomial": (stats.nbinom(2.5, special.expit(0.3)), (2.5, -0.3)),
        "binomial": (stats.binom(9, special.expit(-1.0)), (9.0, -1.0)),
    }[name]
    law = modified(DISTRIBUTIONS[f"censored({name})"])
    x, until = np.array([0.4, 1.1, 2.5, 0.8]), np.array([1.0, 1.5, INF, 1.9])
    if not DISTRIBUTIONS[name].continuous:
        x, until = np.array([2.0, 1.0, 3.0, 1.0]), np.array([1.0, 1.0, INF, 4.0])
    event = np.array([1.0, 0.0, 2.0, 3.0])
    density = getattr(frozen, "logpdf", None) or frozen.logpmf
    exact = np.array(
        [
            density(x[0]),
            frozen.logsf(x[1]),
            frozen.logcdf(x[2]),
            np.log(frozen.cdf(until[3]) - frozen.cdf(x[3])),
        ]
    )
    fixed = int(name == "binomial")
    made = [p.requires_grad_(i >= fixed) for i, p in enumerate(tensors(parameters))]
    arguments = (torch.tensor(event), torch.tensor(until), *made)
    found = law.log_prob(torch.tensor(x), *arguments)
    np.testing.assert_allclose(found.detach().numpy(), exact, rtol=1e-10, atol=1e-10)
    swapped = law.log_prob(torch.tensor(x), torch.tensor(event[::-1].copy()), *arguments[1:])
    assert np.abs(swapped.detach().numpy() - exact).max() > 0.1
    assert torch.autograd.gradcheck(
        lambda *p: law.log_prob(torch.tensor(x), *arguments[:2], *p), made
    )
    if density == getattr(frozen, "logpmf", None):
        return
    drawn = law.sample(Noise.at(3, dtype=torch.float64), 0.0, INF, *made, shape=(DRAWS,))
    assert p_value(drawn.numpy(), frozen) > FALSE_ALARM


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("truncated(dirichlet)", "distribution function"),
        ("truncated(truncated(normal))", "`lower`"),
        ("zero_inflated(normal)", "counts"),
        ("hurdle(ordered_logistic)", "vector"),
        ("mixture(categorical)", "vector"),
        ("hurdle(multinomial)", "counts"),
        ("mixture(improper_uniform)", "integrate"),
        ("mixture(truncated(normal))", "left out"),
        ("ordered(poisson)", "real numbers"),
        ("ordered(dirichlet)", "real numbers"),
        ("ordered(mixture(normal))", "vector"),
        ("hurdle(zero_inflated(normal))", "counts"),
    ],
)
def test_what_cannot_be_modified_has_a_reason(name: str, reason: str) -> None:
    assert name not in DISTRIBUTIONS
    assert reason in DISTRIBUTIONS.problem(name)
    with pytest.raises(KeyError):
        DISTRIBUTIONS[name]
    assert "nromal(normal)" not in DISTRIBUTIONS and "truncated(nromal)" not in DISTRIBUTIONS
    assert DISTRIBUTIONS.problem("normal") == DISTRIBUTIONS.problem("truncated(nromal)") == ""


@pytest.mark.parametrize("name", MODIFIERS)
def test_the_entry_is_complete(name: str) -> None:
    entry = MODIFIERS[name]
    assert entry.name == name and entry.summary.endswith(".") and entry.references
    head, node = next(iter(yaml.safe_load(entry.example).items()))
    of = DISTRIBUTIONS[node.pop("latent")]
    needed = {p.name for p in of.parameters} - set(of.defaults)
    given = {of.keys[key][0].name for key in node if key != "shape"}
    assert needed <= given
    head = f"sum({head})" if of.result_dims else head
    text = (
        "specc: 1\nname: example\ndata: {source: digits, fields: {y: {from: label}}}\n"
        f"model:\n  {entry.example}\n  s: {{parameter: positive}}\n"
        f"  y: {{observed: normal, loc: {head}, scale: s}}\n"
        f"guide:\n  {entry.example}\nobjective: elbo\n"
    )
    assert f"{class_name(name)}(" in generated(text)["model.py"]


ONE_ROW = """specc: 1
name: modified
data: {source: npz, path: a.npz, fields: {c: {from: c, shape: [2]}, x: {from: x, shape: [4]}}}
model:
  c: {given: c}
  s: {let: "exp(c[0])"}
  m: {parameter: real, shape: [3]}
  x: {observed: %s}
links: {net: {mlp: [8]}}
objective: mle
"""
WRITTEN = {
    "an infinite end": "truncated(normal), upper: 5, loc: sum(m), scale: s",
    "a number for all components": "mixture(normal), mixture_logits: net(c), loc: m, scale: s",
    "heads": "mixture(normal), components: 3, params: 'net(c, m)'",
    "two modifiers": (
        "mixture(zero_inflated(poisson)), gate: 0.5, rate: exp(m) + s, weights: softmax(m)"
    ),
}


def by_hand(name: str, model: torch.nn.Module, x: Tensor, c: Tensor) -> np.ndarray:
    """log p of rows of entries 0, 1, 2, 3, from the parameters."""
    s = np.exp(c[:, :1].numpy())
    m = model.m.detach().numpy()
    if name == "an infinite end":
        ends = -np.inf, (5 - m.sum()) / s
        return stats.truncnorm.logpdf(x.numpy(), *ends, m.sum(), s).sum(-1)
    if name == "two modifiers":
        rates = np.exp(m) + s[..., None]
        pmf = 0.5 * (x.numpy()[..., None] == 0) + 0.5 * stats.poisson.pmf(
            x.numpy()[..., None], rates
        )
        return np.log((special.softmax(m) * pmf).sum(-1)).sum(-1)
    if name == "heads":
        return model.log_joint(x=x, c=c).detach().numpy()
    weights = special.softmax(model.net(c).detach().numpy().reshape(3, 4, 3), -1)
    pdf = stats.norm.pdf(x.numpy()[..., None], m, s[..., None])
    return np.log((weights * pdf).sum(-1)).sum(-1)


@pytest.mark.parametrize("name", WRITTEN)
def test_generated_code_has_the_density_and_independent_draws(name: str, tmp_path: Path) -> None:
    model = program(ONE_ROW % WRITTEN[name], tmp_path).model
    c = torch.randn((3, 2), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = torch.tensor([[0.0, 1.0, 2.0, 3.0]] * 3, dtype=torch.float64)
    found = model.log_prob(x=x, c=c).detach().numpy()
    assert found.shape == (3,) and np.isfinite(found).all()
    np.testing.assert_allclose(found, by_hand(name, model, x, c), rtol=1e-9)
    drawn = model.sample(Noise.at(1, dtype=torch.float64), 200, c=c[:1].expand(200, 2))
    values = drawn["x"].double()
    assert values.shape == (200, 4)
    assert values.std(0).min() > 0 and values.std(1).max() > 0


SUMMED = """specc: 1
name: summed
data: {source: npz, path: a.npz, fields: {x: {from: x, shape: []}}}
model:
  a: {parameter: real}
  k: {latent: %s}
  x: {observed: normal, loc: k, scale: 1}
objective: mle
"""
FINITE = {
    "truncated(binomial), lower: 1, upper: 3, total_count: 4, logits: a": 4,
    "binomial, total_count: 4, logits: a": 5,
    "beta_binomial, total_count: 4, concentration1: 2, concentration0: exp(a)": 5,
    "ordered_logistic, predictor: a, cutpoints: [-1, 0, 1]": 4,
    "zero_inflated(binomial), gate_logits: a, total_count: 4, logits: 0.5": 5,
    "hurdle(binomial), gate: 0.5, total_count: 4, logits: a": 5,
}


@pytest.mark.parametrize("written", FINITE)
def test_a_latent_count_is_summed_out(written: str, tmp_path: Path) -> None:
    """The density of x is the sum over the counts of the joint density."""
    model = program(SUMMED % written, tmp_path).model
    x = torch.tensor([0.3, 2.0, 3.5], dtype=torch.float64)
    each = [model.log_joint(k=torch.full_like(x, k), x=x) for k in range(FINITE[written])]
    torch.testing.assert_close(model.log_prob(x=x), torch.stack(each).logsumexp(0))


FIRST = [
    next(c for c in CASES if c.entry.modifier == name)
    for name in MODIFIERS
    if name not in ("censored", "ordered")
]
FIRST.append(Case("censored(weibull)", (1.0, INF, 2.0, 1.5), stats.weibull_min(1.5, scale=2.0)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("case", FIRST, ids=[case.name for case in FIRST])
def test_one_graph_under_the_compiler(case: Case) -> None:
    """As generated code writes it, the modified distribution is made in the function."""
    law, value, made = modified(case.entry), case.likely(), case.tensors()

    def log_prob(x: Tensor, *parameters: Tensor) -> Tensor:
        return type(law)(law.base, law.rank).log_prob(x, *parameters)

    torch._dynamo.reset()
    compiled = torch.compile(log_prob, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(value, *made), log_prob(value, *made))


EXTREMES = [
    ("weibull", 0.0, 2.0, (1.0, 0.5)),
    ("pareto", 1.0, 5.0, (1.0, 2.0)),
    ("normal", -1e30, 1e30, (0.0, 1.0)),
    ("normal", 1.0, 1.001, (0.0, 1.0)),
    ("laplace", -200.0, -100.0, (0.0, 1.0)),
    ("logistic", 100.0, 200.0, (0.0, 1.0)),
    ("cauchy", 1e6, 1e7, (0.0, 1.0)),
    ("exponential", 0.0, 1e-6, (1.0,)),
    ("gumbel", -10.0, -5.0, (0.0, 1.0)),
    ("gamma", 0.0, 1e-3, (0.3, 1.0)),
    ("gamma", 80.0, 90.0, (2.0, 1.0)),
    ("beta", 0.999, 1.0, (2.0, 9.0)),
    ("student_t", 1e4, 1e5, (2.0, 0.0, 1.0)),
    ("student_t", -1e-3, 1e-3, (3.0, 0.0, 1.0)),
    ("half_student_t", 0.0, 1e-6, (3.0, 1.0)),
    ("continuous_bernoulli", 0.99, 1.0, (-30.0,)),
    ("inverse_gamma", 1e-3, 1e-2, (3.0, 2.0)),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("name", "lower", "upper", "parameters"), EXTREMES)
def test_truncation_at_edges_and_in_narrow_and_far_intervals(
    name: str, lower: float, upper: float, parameters: Parameters, dtype: torch.dtype
) -> None:
    """Draws are inside; densities and gradients in the ends and parameters are finite."""
    law = modified(DISTRIBUTIONS[f"truncated({name})"])
    made = [p.requires_grad_() for p in tensors((lower, upper, *parameters), dtype)]
    drawn = law.rsample(Noise.at(1, dtype=dtype), *made, shape=(500,))
    low, high = (end.detach() for end in made[:2])
    assert ((drawn >= low) & (drawn <= high)).all()
    log_p = law.log_prob(drawn.detach(), *made)
    assert log_p.isfinite().all()
    for gradient in torch.autograd.grad(log_p.sum() + drawn.sum(), made):
        assert gradient.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("lower", "upper"), [(60.0, INF), (40.0, 45.0), (-INF, 0.0)])
@pytest.mark.parametrize("name", ["poisson", "negative_binomial"])
def test_truncated_counts_far_out_in_a_tail(
    name: str, lower: float, upper: float, dtype: torch.dtype
) -> None:
    """Log-probabilities and their slopes, by sums in the logarithm, where 1 - F is 0 or 1."""
    parameters = {"poisson": (1.5,), "negative_binomial": (4.0, -2.0)}[name]
    law, base = modified(DISTRIBUTIONS[f"truncated({name})"]), modified(DISTRIBUTIONS[name])
    made = [p.requires_grad_() for p in tensors(parameters, dtype)]
    drawn = law.sample(Noise.at(1, dtype=dtype), lower, upper, *made, shape=(500,))
    assert ((drawn >= lower) & (drawn <= upper) & (drawn == drawn.round())).all()
    assert drawn.max() > drawn.min() or upper == 0
    least = max(lower, 0.0)
    counts = torch.arange(least, min(upper, least + 300) + 1, dtype=torch.float64)
    exact = [p.double().detach().requires_grad_() for p in made]
    total = base.log_prob(counts, *exact).logsumexp(0)
    x = counts[:3]
    wanted = base.log_prob(x, *exact) - total
    found = law.log_prob(x.to(dtype), lower, upper, *made)
    eps = 400 * torch.finfo(dtype).eps * float(base.log_prob(x, *exact).abs().max().detach())
    torch.testing.assert_close(found.double(), wanted, rtol=eps, atol=eps)
    for slope, right in zip(
        torch.autograd.grad(found.sum(), made),
        torch.autograd.grad(wanted.sum(), exact),
        strict=True,
    ):
        torch.testing.assert_close(slope.double(), right, rtol=100 * eps, atol=100 * eps)


@pytest.mark.parametrize("name", ["zero_inflated", "hurdle"])
@pytest.mark.parametrize("gate", [-200.0, 0.0, 200.0])
@pytest.mark.parametrize("rate", [1e-30, 1.0, 1e6])
def test_gates_and_rates_at_extremes(name: str, gate: float, rate: float) -> None:
    law = modified(DISTRIBUTIONS[f"{name}(poisson)"])
    for dtype in (torch.float32, torch.float64):
        made = [p.requires_grad_() for p in tensors((gate, rate), dtype)]
        log_p = law.log_prob(torch.tensor([0.0, 1.0, 7.0], dtype=dtype), *made)
        assert log_p.isfinite().all()
        for gradient in torch.autograd.grad(log_p.sum(), made):
            assert gradient.isfinite().all()
