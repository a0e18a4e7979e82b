"""The exponential families of the units of an energy, in their natural parameters.

Given the other units, the density of a unit x with respect to a base measure is

    p(x) = exp(sum_i eta_i T_i(x) - A(eta))

so the path between two energies interpolates eta. The base measures are the counting measure for
0/1 and one-hot values, 1/x! for Poisson counts, N!/(x_1! ... x_K!) for multinomial counts, and
Lebesgue measure for real values. Wainwright and Jordan (2008), section 3.1.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from itertools import combinations

import torch
from torch import Tensor
from torch.nn import functional

from specc.runtime.distributions import multinomial
from specc.runtime.energies import Unit
from specc.runtime.noise import Noise

Natural = tuple[Tensor, ...]
"""Natural parameters, or as many statistics of a value: each [rows, *shape]."""


class Family(ABC):
    """One exponential family. Sums are over all entries of a row."""

    statistics_at_reference_are_zero = True
    """Whether T is zero at the reference value, so that terms with it vanish."""

    def natural(self, *parameters: Tensor) -> Natural:
        """Eta, from the parameters of the distribution."""
        return parameters

    def statistics(self, value: Tensor) -> Natural:
        """T(x) of a value: [rows, *shape] each."""
        return (value,)

    @abstractmethod
    def log_partition(self, eta: Natural) -> Tensor:
        """A(eta): [rows]."""

    def log_partition_change(self, last: Natural, step: Natural) -> Tensor:
        """A(last) - A(last - step): [rows]."""
        first = tuple(end - own for end, own in zip(last, step, strict=True))
        return self.log_partition(last) - self.log_partition(first)

    @abstractmethod
    def mean(self, eta: Natural) -> Natural:
        """The means of T, which are the derivatives of A: [rows, *shape] each."""

    @abstractmethod
    def draw(self, noise: Noise, eta: Natural) -> Tensor:
        """A value with these natural parameters: [rows, *shape]."""

    @abstractmethod
    def fitted(self, rows: Tensor) -> Natural:
        """Eta of the distribution of the rows with independent entries, smoothed: [1, *shape]."""

    def neutral(self, shape: tuple[int, ...], like: Tensor) -> Natural:
        """Eta = 0, if that is a distribution: [1, *shape]."""
        return (like.new_zeros(1, *shape),)

    def reference(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """A value at which the base measure is 1: [1, *shape]."""
        return like.new_zeros(1, *shape)

    def states(self, shape: tuple[int, ...]) -> tuple[int, int] | None:
        """The number of states of one entry, and of entries; None if there are infinitely many."""
        return None

    def support(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """All states of one entry: [states], or [states, classes]."""
        raise ValueError(f"{type(self).__name__} has infinitely many states")

    def log_base(self, value: Tensor) -> Tensor:
        """The logarithm of the base measure of a value: [rows]."""
        return value.new_zeros(len(value))


class Bernoulli(Family):
    """0 or 1: eta is the logit, and A = sum log(1 + e^eta)."""

    def log_partition(self, eta: Natural) -> Tensor:
        """The sum of softplus(eta)."""
        # At torch's threshold of 20 the softplus is wrong by 2e-9.
        return functional.softplus(eta[0], threshold=40).flatten(1).sum(1)

    def log_partition_change(self, last: Natural, step: Natural) -> Tensor:
        """The integral of the mean s = sigmoid(eta) over a step u, which ends at `last`.

        For a very small step it is the Taylor series at the end,

            u s1 - u^2 s1' / 2,     s' = s (1 - s)

        with a remainder of at most u^3 / 62, which takes one sigmoid. For a small step it is the
        trapezoidal rule with one correction,

            u (s0 + s1) / 2 - u^2 (s1' - s0') / 12

        which takes half the time of two log-partitions. The remainder is at most u^5 / 5600. A step
        is small if the remainder is below the rounding of 1.
        """
        u = step[0]
        least, most = u.aminmax()
        size, eps = max(-least.item(), most.item()), torch.finfo(u.dtype).eps
        if not size <= (5600 * eps) ** 0.2:
            return super().log_partition_change(last, step)
        s1 = last[0].sigmoid()
        if size <= (62 * eps) ** (1 / 3):
            rest = (s1 - 1).mul_(u)
            return torch.addcmul(s1, s1, rest, value=0.5).mul_(u).flatten(1).sum(1)
        s0 = (last[0] - u).sigmoid()
        twice = s0 + s1
        bend = (s1 - s0).mul_(u).mul_(1 - twice)
        return torch.sub(twice, bend, alpha=1 / 6).mul_(u).flatten(1).sum(1).mul_(0.5)

    def mean(self, eta: Natural) -> Natural:
        """The sigmoid."""
        return (eta[0].sigmoid(),)

    def draw(self, noise: Noise, eta: Natural) -> Tensor:
        """1 where a uniform number is below the probability."""
        return noise.uniform(eta[0].shape).to(eta[0].dtype).lt_(eta[0].sigmoid())

    def states(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Two states of each entry."""
        return 2, math.prod(shape)

    def support(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """0 and 1."""
        return torch.arange(2, dtype=like.dtype, device=like.device)

    def fitted(self, rows: Tensor) -> Natural:
        """The logit of the fraction of ones, with one more row of ones and one of zeros."""
        rate = (rows.sum(0, keepdim=True) + 1) / (len(rows) + 2)
        return (rate.logit(),)


class OneHot(Family):
    """One-hot vectors on the last axis: eta are the logits, and A = sum logsumexp(eta)."""

    statistics_at_reference_are_zero = False

    def log_partition(self, eta: Natural) -> Tensor:
        """The sum of logsumexp over classes."""
        return eta[0].logsumexp(-1).reshape(len(eta[0]), -1).sum(1)

    def mean(self, eta: Natural) -> Natural:
        """The softmax."""
        return (eta[0].softmax(-1),)

    def draw(self, noise: Noise, eta: Natural) -> Tensor:
        """One-hot draws by the Gumbel-max trick."""
        classes = noise.categorical(eta[0])
        return functional.one_hot(classes, eta[0].shape[-1]).to(eta[0].dtype)

    def states(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """One state for each class."""
        return shape[-1], math.prod(shape[:-1])

    def support(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """The rows of an identity matrix."""
        return torch.eye(shape[-1], dtype=like.dtype, device=like.device)

    def fitted(self, rows: Tensor) -> Natural:
        """The log-fractions of the classes, with one more row of each class."""
        return (((rows.sum(0, keepdim=True) + 1) / (len(rows) + rows.shape[-1])).log(),)

    def reference(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """The first class."""
        value = like.new_zeros(1, *shape)
        value[..., 0] = 1
        return value


class Multinomial(Family):
    """Counts on the last axis with the sum N: A = N sum logsumexp(eta).

    The total N is a number, a tensor with one for each row, or None before it is known.
    """

    statistics_at_reference_are_zero = False

    def __init__(self, total: int | Tensor | None) -> None:
        self.total = total

    def natural(self, *parameters: Tensor) -> Natural:
        """The logits, the last of the parameters."""
        return parameters[-1:]

    def log_partition(self, eta: Natural) -> Tensor:
        """N times the sum of logsumexp over classes."""
        assert self.total is not None
        each = self.total * eta[0].logsumexp(-1)
        return each.reshape(len(each), -1).sum(1)

    def mean(self, eta: Natural) -> Natural:
        """N times the softmax."""
        assert self.total is not None
        return (multinomial.mean(self.total, eta[0]),)

    def draw(self, noise: Noise, eta: Natural) -> Tensor:
        """The counts of N draws of a class."""
        assert self.total is not None
        return multinomial.sample(noise, self.total, eta[0])

    def states(self, shape: tuple[int, ...]) -> tuple[int, int] | None:
        """The ways of writing N as an ordered sum of a count for each class."""
        if not isinstance(self.total, int):
            return None
        return math.comb(self.total + shape[-1] - 1, shape[-1] - 1), math.prod(shape[:-1])

    def support(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """All vectors of counts with the sum N."""
        assert isinstance(self.total, int)
        places = combinations(range(self.total + shape[-1] - 1), shape[-1] - 1)
        bars = torch.tensor(list(places), dtype=like.dtype).reshape(-1, shape[-1] - 1)
        first, last = bars.new_full((len(bars), 1), -1), self.total + shape[-1] - 1
        ends = torch.cat([first, bars, torch.full_like(first, last)], dim=1)
        return (ends.diff(dim=1) - 1).to(like.device)

    def fitted(self, rows: Tensor) -> Natural:
        """The log-fractions of the classes, with one more count of each class."""
        counts = rows.sum(0, keepdim=True) + 1
        return ((counts / counts.sum(-1, keepdim=True)).log(),)

    def reference(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """All N counts in the first class."""
        rows = len(self.total) if isinstance(self.total, Tensor) else 1
        value = like.new_zeros(rows, *shape)
        value[..., 0] = 0 if self.total is None else self.total
        return value

    def log_base(self, value: Tensor) -> Tensor:
        """The sum of log N! - sum_k log x_k!."""
        logs = torch.lgamma(value.sum(-1) + 1) - torch.lgamma(value + 1).sum(-1)
        return logs.reshape(len(value), -1).sum(1)


class Poisson(Family):
    """Counts: eta is the log-rate, and A = sum e^eta."""

    def natural(self, *parameters: Tensor) -> Natural:
        """The log of the rate, which is finite for a rate of 0, too."""
        rate = parameters[0]
        return (rate.clamp_min(torch.finfo(rate.dtype).tiny).log(),)

    def log_partition(self, eta: Natural) -> Tensor:
        """The sum of the rates."""
        return eta[0].exp().flatten(1).sum(1)

    def mean(self, eta: Natural) -> Natural:
        """The rate."""
        return (eta[0].exp(),)

    def draw(self, noise: Noise, eta: Natural) -> Tensor:
        """Counts with the rate e^eta."""
        return noise.poisson(eta[0].exp(), eta[0].shape).to(eta[0].dtype)

    def fitted(self, rows: Tensor) -> Natural:
        """The log of the mean count, with one more row of the count 1."""
        return (((rows.sum(0, keepdim=True) + 1) / (len(rows) + 1)).log(),)

    def log_base(self, value: Tensor) -> Tensor:
        """Minus the sum of log x!."""
        return -torch.lgamma(value + 1).flatten(1).sum(1)


class Normal(Family):
    """Real numbers: eta = (loc / scale^2, -1 / (2 scale^2)), T = (x, x^2)."""

    def natural(self, *parameters: Tensor) -> Natural:
        """Eta from loc and scale."""
        loc, scale = parameters
        precision = scale**-2
        return loc * precision, -0.5 * precision

    def statistics(self, value: Tensor) -> Natural:
        """The value and its square."""
        return value, value * value

    def log_partition(self, eta: Natural) -> Tensor:
        """The sum of log(2 pi) / 2 + loc^2 / (2 scale^2) + log scale."""
        linear, square = eta
        each = -0.25 * linear**2 / square - 0.5 * (-2 * square).log() + 0.5 * math.log(2 * math.pi)
        return each.flatten(1).sum(1)

    def mean(self, eta: Natural) -> Natural:
        """The mean and the mean of the square."""
        linear, square = eta
        variance = -0.5 / square
        loc = linear * variance
        return loc, loc * loc + variance

    def draw(self, noise: Noise, eta: Natural) -> Tensor:
        """Normal draws."""
        linear, square = eta
        scale = (-2 * square).rsqrt()
        return linear * scale**2 + scale * noise.normal(linear.shape).to(linear.dtype)

    def fitted(self, rows: Tensor) -> Natural:
        """Eta of the mean and the deviation of each entry."""
        loc, scale = rows.mean(0, keepdim=True), rows.std(0, correction=0, keepdim=True)
        return self.natural(loc, scale.clamp_min(1e-3))

    def neutral(self, shape: tuple[int, ...], like: Tensor) -> Natural:
        """The standard normal distribution, since no distribution has eta = 0."""
        return like.new_zeros(1, *shape), like.new_full((1, *shape), -0.5)


_FAMILIES: dict[str, Family] = {
    "bernoulli": Bernoulli(),
    "one_hot_categorical": OneHot(),
    "poisson": Poisson(),
    "normal": Normal(),
}


def needs_total(unit: Unit) -> bool:
    """Whether the total count of a unit is not a number of the spec, but differs between rows."""
    return unit.distribution == "multinomial" and unit.total is None


def family_of(unit: Unit) -> Family | None:
    """The exponential family of a unit's conditional, or of what starts its chain; None without.

    A unit that a chain moves starts at a distribution of its family.
    """
    if unit.distribution == "multinomial":
        return Multinomial(unit.total)
    return _FAMILIES.get(unit.distribution)


def between(start: Natural, end: Natural, fraction: float) -> Natural:
    """(1 - fraction) * start + fraction * end, in the shape of `end`."""
    if fraction == 1.0:
        return end
    if fraction == 0.0:
        return tuple(a.expand_as(b) for a, b in zip(start, end, strict=True))
    return tuple(torch.lerp(a, b, fraction) for a, b in zip(start, end, strict=True))


def dot(eta: Natural, statistics: Natural) -> Tensor:
    """The sum over all entries of eta * T: [rows]."""
    first, *rest = ((a * t).flatten(1).sum(1) for a, t in zip(eta, statistics, strict=True))
    return sum(rest, first)
