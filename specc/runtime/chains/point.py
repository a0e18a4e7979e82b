"""A state of a chain that follows a gradient, and the Metropolis rule.

Every row of a state is a chain of its own: a log-density maps values [..., *event] to numbers
[...], each row independent of the others, and rows are accepted one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from specc.runtime.noise import Noise

LogDensity = Callable[[Tensor], Tensor]
"""The log-density of rows, up to a constant: [..., *event] to [...]."""


class Point(NamedTuple):
    """The value of a chain, [..., *event], with the log-density, [...], and its gradient there."""

    value: Tensor
    log_density: Tensor
    gradient: Tensor


def at(log_density: LogDensity, value: Tensor) -> Point:
    """The point with this value; it carries no gradient of parameters."""

    def total(x: Tensor) -> tuple[Tensor, Tensor]:
        each = log_density(x)
        return each.sum(), each.detach()

    gradient, (_, each) = torch.func.grad_and_value(total, has_aux=True)(value.detach())
    return Point(value.detach(), each, gradient.detach())


def sum_event(value: Tensor, log_density: Tensor) -> Tensor:
    """The sum over the axes of an event, those that the log-density lacks: [...]."""
    return value.flatten(log_density.dim()).sum(-1) if value.dim() > log_density.dim() else value


def metropolis(
    noise: Noise, before: Point, proposed: Point, log_ratio: Tensor
) -> tuple[Point, Tensor]:
    """The proposed point with probability min(1, exp(log_ratio)), else the one before, by row.

    A row whose ratio is not a number is rejected, so a chain never leaves the finite values. The
    second result has the probabilities of acceptance, [...].
    """
    uniform = noise.uniform(log_ratio.shape)
    accepted = uniform.log() < log_ratio
    chosen = [
        torch.where(_rows(accepted, new), new, old)
        for new, old in zip(proposed, before, strict=True)
    ]
    return Point(*chosen), log_ratio.clamp_max(0.0).exp().nan_to_num(0.0)


def _rows(accepted: Tensor, value: Tensor) -> Tensor:
    """A number for each row, with axes of size 1 for the event."""
    return accepted.reshape(accepted.shape + (1,) * (value.dim() - accepted.dim()))
