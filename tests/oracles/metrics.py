"""Reference values of sample metrics and kernels, from closed forms and by hand.

A row of `METRICS` has data and samples, options, and the expected numbers with their tolerances.
`EXPECTED` has E k(x, y) for real x and y, with x - y normal with this mean and variance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from scipy import integrate, linalg, special, stats
from torch import Tensor

from specc.evaluate.compared import Compared, no_other_run


@dataclass(frozen=True)
class Case:
    data: Tensor
    samples: Tensor
    options: Mapping[str, object]
    expected: Mapping[str, tuple[float, float]]
    drawn: Mapping[str, Tensor] = field(default_factory=dict)
    open_run: Callable = no_other_run

    def compared(self, seed: int = 0) -> Compared:
        return Compared("x", self.data, self.samples, self.drawn, seed, self.open_run)


def normal(rows: int, size: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, size, generator=generator, dtype=torch.float64)


# kernels


def rbf(mean: float, variance: float, *, widths: tuple[float, ...] = (1.0,)) -> float:
    """The convolution of two Gaussian functions, h = 1."""
    wide = [w**2 + variance for w in widths]
    each = (
        w / math.sqrt(v) * math.exp(-(mean**2) / (2 * v)) for w, v in zip(widths, wide, strict=True)
    )
    return sum(each) / len(widths)


def rational_quadratic(mean: float, variance: float, *, alphas: tuple[float, ...]) -> float:
    density = stats.norm(mean, math.sqrt(variance)).pdf

    def value(d: float) -> float:
        return sum((1 + d**2 / (2 * a)) ** -a for a in alphas) / len(alphas) * density(d)

    return integrate.quad(value, -60, 60, points=[mean, 0.0], limit=400)[0]


def minus_distance(mean: float, variance: float, *, exponent: float) -> float:
    """-E|x - y|^b: the terms of |x| and |y| cancel (Winkelbauer 2012, eq. 17)."""
    moment = special.gamma((1 + exponent) / 2) / math.sqrt(math.pi)
    series = special.hyp1f1(-exponent / 2, 0.5, -(mean**2) / (2 * variance))
    return -(((2 * variance) ** (exponent / 2)) * moment * series)


def linear(mean: float, variance: float) -> float:
    """-E(x - y)^2 / 2: the terms of x^2 and y^2 cancel in the discrepancy."""
    return -(mean**2 + variance) / 2


EXPECTED: Mapping[str, tuple[Callable[..., float], Mapping[str, object]]] = {
    "energy": (minus_distance, {"exponent": 1.3}),
    "linear": (linear, {}),
    "rational_quadratic": (rational_quadratic, {"alphas": (0.5, 2.0)}),
    "rbf": (rbf, {"widths": (0.5, 1.0, 2.0)}),
}


def discrepancy(name: str, shift: float, deviation: float) -> float:
    """MMD^2 of N(0, 1) and N(shift, deviation^2)."""
    expected, options = EXPECTED[name]
    own = expected(0.0, 2.0, **options) + expected(0.0, 2.0 * deviation**2, **options)
    return own - 2.0 * expected(shift, 1.0 + deviation**2, **options)


# metrics


def mmd() -> Case:
    """The definition, with sums over pairs."""
    x, y = normal(7, 2, 1), 0.5 + normal(5, 2, 2)

    def k(a: Tensor, b: Tensor) -> float:
        return math.exp(-(a - b).square().sum().item() / (2 * 0.8**2))

    within = sum(k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j) / 42
    beyond = sum(k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j) / 20
    across = sum(k(a, b) for a in x for b in y) / 35
    options = {"kernel": {"rbf": {"widths": (1.0,)}}, "bandwidth": 0.8, "permutations": 9}
    return Case(x, y, options, {"mmd2": (within + beyond - 2 * across, 1e-12)})


def sliced_wasserstein() -> Case:
    """A shift: W_1 along u is |u . shift|, |shift| times the mean of |u_1| on average."""
    x, shift, size = normal(50, 3, 3), torch.tensor([3.0, 0.0, 4.0], dtype=torch.float64), 3
    mean = 5.0 * math.gamma(size / 2) / (math.sqrt(math.pi) * math.gamma((size + 1) / 2))
    deviation = math.sqrt(25.0 / size - mean**2) / math.sqrt(20_000)
    options = {"order": 1, "projections": 20_000}
    return Case(x, x + shift, options, {"distance": (mean, 4.5 * deviation)})


def mode_coverage() -> Case:
    """Two of three modes have two samples within 0.5; one of five samples is near none."""
    samples = torch.tensor([[0.0, 0.5], [0.1, 0.0], [5.0, 0.0], [5.0, 0.4], [9.0, 9.0]]).double()
    options = {"centres": ((0.0, 0.0), (5.0, 0.0), (0.0, 5.0)), "radius": 0.5, "least": 2}
    return Case(samples, samples, options, {"modes": (2 / 3, 1e-12), "near": (0.8, 1e-12)})


def frechet() -> Case:
    """The distance with the matrix square root of scipy."""
    x, y = (
        normal(40, 3, 4) * torch.tensor([1.0, 2.0, 0.1]),
        1.0 + normal(30, 3, 5) @ normal(3, 3, 6),
    )
    s, t = x.mT.cov().numpy(), y.mT.cov().numpy()
    apart = (x.mean(0) - y.mean(0)).square().sum().item()
    value = apart + (s + t - 2 * linalg.sqrtm(s @ t).real).trace()
    return Case(x, y, {}, {"distance": (value, 1e-8)})


def precision_recall() -> Case:
    """One dimension and k = 1: the radii of the data 0, 1, 10 are 1, 1 and 9."""
    data = torch.tensor([[0.0], [1.0], [10.0]]).double()
    samples = torch.tensor([[-1.0], [-1.5], [19.5], [19.6]]).double()
    # The radii of the samples are 0.5, 0.5, 0.1 and 0.1: no data are inside. Only -1 is inside.
    return Case(
        data, samples, {"neighbours": 1}, {"precision": (0.25, 1e-12), "recall": (0.0, 1e-12)}
    )


METRICS: Mapping[str, Callable[[], Case]] = {
    "frechet": frechet,
    "mmd": mmd,
    "mode_coverage": mode_coverage,
    "precision_recall": precision_recall,
    "sliced_wasserstein": sliced_wasserstein,
}
