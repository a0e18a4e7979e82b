"""The Metropolis-adjusted Langevin algorithm.

    y  = x + s / 2 grad log p(x) + sqrt(s) xi,      xi ~ Normal(0, 1)
    x' = y with probability min(1, p(y) q(x | y) / (p(x) q(y | x))), else x

(Roberts and Tweedie 1996, section 1.4.2), with log q(y | x) = -|y - x - s / 2 grad log p(x)|^2 /
(2 s) up to a constant.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from specc.runtime.chains.point import LogDensity, Point, at, metropolis, sum_event
from specc.runtime.noise import Noise


def step(
    noise: Noise, log_density: LogDensity, point: Point, *, step_size: float
) -> tuple[Point, Tensor]:
    """The next point of each chain, and the probability with which it was accepted: [...]."""
    move = math.sqrt(step_size) * noise.normal(point.value.shape)
    proposed = at(log_density, _mean(point, step_size) + move)
    log_ratio = (
        proposed.log_density
        - point.log_density
        + _log_proposal(point, proposed, step_size)
        - _log_proposal(proposed, point, step_size)
    )
    return metropolis(noise, point, proposed, log_ratio)


def _mean(point: Point, step_size: float) -> Tensor:
    return point.value + step_size / 2 * point.gradient


def _log_proposal(to: Point, source: Point, step_size: float) -> Tensor:
    """Log q(to | source), up to a constant: [...]."""
    squares = (to.value - _mean(source, step_size)) ** 2
    return -sum_event(squares, source.log_density) / (2 * step_size)


@torch.no_grad()
def run(
    noise: Noise, log_density: LogDensity, x: Tensor, *, steps: int = 1, step_size: float
) -> Tensor:
    """The values of chains after some steps from x [..., *event], without a gradient.

    Args:
        noise: The random numbers.
        log_density: log p, up to a constant, from values [..., *event] to numbers [...].
        x: The values at which the chains start.
        steps: The number of transitions.
        step_size: The step size s.

    """
    point = at(log_density, x)
    for _ in range(steps):
        point, _ = step(noise, log_density, point, step_size=step_size)
    return point.value
