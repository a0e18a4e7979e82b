"""Targets of Markov chains with exact samples, and the distributions that chains leave unchanged.

A row of `CASES` has the options of a chain, and the variance of its stationary distribution for a
normal target with variance v: v itself if the chain is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

FAR = 5.2
"""A number of standard deviations that a normal variable exceeds with a probability of 2e-7."""


@dataclass(frozen=True)
class Case:
    options: Mapping[str, object]
    stationary: Callable[[float], float] = lambda v: v


CASES = {
    "langevin": Case({"step_size": 0.8}, lambda v: v / (1 - 0.8 / (4 * v))),
    "mala": Case({"step_size": 0.8}),
    "hmc": Case({"step_size": 0.6, "leapfrog": 3}),
}


@dataclass(frozen=True)
class Normal:
    """The normal distribution with standard deviations along the columns of an orthogonal matrix.

    With these axes each chain is a product of chains of one number.
    """

    deviations: Tensor
    axes: Tensor

    def log_density(self, x: Tensor) -> Tensor:
        return -((x @ self.axes / self.deviations) ** 2).sum(-1) / 2

    def sample(self, rows: int, seed: int) -> Tensor:
        noise = torch.randn(
            rows,
            len(self.deviations),
            generator=torch.Generator().manual_seed(seed),
            dtype=torch.float64,
        )
        return (noise * self.deviations) @ self.axes.mT

    def with_variances(self, change: Callable[[float], float]) -> Normal:
        variances = [change(v) for v in self.deviations.square().tolist()]
        return Normal(torch.tensor(variances, dtype=torch.float64).sqrt(), self.axes)

    def distance(self, x: Tensor) -> float:
        """How far the mean and the covariance of rows are from those of this distribution.

        The largest of d + d (d + 1) / 2 numbers, each standard normal for many rows of it.
        """
        z = x @ self.axes / self.deviations
        rows, d = z.shape
        means = z.mean(0) * rows**0.5
        second = z.mT @ z / rows - torch.eye(d, dtype=z.dtype)
        scale = torch.where(torch.eye(d, dtype=torch.bool), 0.5**0.5, 1.0) * rows**0.5
        return max(means.abs().max().item(), (second * scale).abs().max().item())


def normal() -> Normal:
    """A normal distribution of three correlated numbers."""
    generator = torch.Generator().manual_seed(1)
    matrix = torch.randn(3, 3, generator=generator, dtype=torch.float64)
    deviations = torch.tensor([0.7, 1.0, 2.0], dtype=torch.float64)
    return Normal(deviations, torch.linalg.qr(matrix).Q)


@dataclass(frozen=True)
class Mixture:
    """Two normal distributions of one number, of different weights and widths."""

    weights: tuple[float, float] = (0.7, 0.3)
    centres: tuple[float, float] = (-1.0, 1.5)
    widths: tuple[float, float] = (0.5, 0.9)

    def _tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        w, c, s = (
            torch.tensor(v, dtype=torch.float64) for v in (self.weights, self.centres, self.widths)
        )
        return w, c, s

    def log_density(self, x: Tensor) -> Tensor:
        """Of x [..., 1]."""
        w, c, s = self._tensors()
        return (w.log() - s.log() - ((x - c) / s) ** 2 / 2).logsumexp(-1)

    def sample(self, rows: int, seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        w, c, s = self._tensors()
        which = torch.multinomial(w, rows, replacement=True, generator=generator)
        noise = torch.randn(rows, generator=generator, dtype=torch.float64)
        return (c[which] + s[which] * noise)[:, None]


def imbalance(before: Tensor, after: Tensor) -> float:
    """The largest deviation from detailed balance of pairs of states, in standard errors.

    For a reversible chain that starts at its stationary distribution, E[f(x) g(x')] =
    E[g(x) f(x')] for all functions f and g.
    """
    functions = (lambda x: x, torch.square, torch.tanh, lambda x: (x > 0).to(x.dtype))
    worst = 0.0
    for i, f in enumerate(functions):
        for g in functions[i + 1 :]:
            difference = (f(before) * g(after) - g(before) * f(after)).squeeze(-1)
            error = difference.std() / len(difference) ** 0.5
            worst = max(worst, (difference.mean() / error).abs().item())
    return worst
