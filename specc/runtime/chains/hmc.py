"""Hamiltonian Monte Carlo.

    m ~ Normal(0, 1),      H(x, m) = -log p(x) + |m|^2 / 2
    (y, n) = leapfrog steps of size s from (x, m)
    x' = y with probability min(1, exp(H(x, m) - H(y, n))), else x

(Duane et al. 1987; Neal 2011, section 3.2). Leapfrog steps preserve volume and are reversible, so
the acceptance needs no density of the proposal.
"""

from __future__ import annotations

import torch
from torch import Tensor

from specc.runtime.chains.point import LogDensity, Point, at, metropolis, sum_event
from specc.runtime.noise import Noise


def leapfrog_steps(
    log_density: LogDensity, point: Point, momentum: Tensor, *, step_size: float, leapfrog: int
) -> tuple[Point, Tensor]:
    """The point and the momentum after some leapfrog steps (Neal 2011, section 2.3)."""
    for _ in range(leapfrog):
        momentum = momentum + step_size / 2 * point.gradient
        point = at(log_density, point.value + step_size * momentum)
        momentum = momentum + step_size / 2 * point.gradient
    return point, momentum


def step(
    noise: Noise, log_density: LogDensity, point: Point, *, step_size: float, leapfrog: int = 10
) -> tuple[Point, Tensor]:
    """The next point of each chain, and the probability with which it was accepted: [...]."""
    momentum = noise.normal(point.value.shape)
    proposed, end = leapfrog_steps(
        log_density, point, momentum, step_size=step_size, leapfrog=leapfrog
    )
    log_ratio = (
        proposed.log_density
        - point.log_density
        + sum_event(momentum**2 - end**2, point.log_density) / 2
    )
    return metropolis(noise, point, proposed, log_ratio)


@torch.no_grad()
def run(
    noise: Noise,
    log_density: LogDensity,
    x: Tensor,
    *,
    steps: int = 1,
    step_size: float,
    leapfrog: int = 10,
) -> Tensor:
    """The values of chains after some transitions from x [..., *event], without a gradient.

    Args:
        noise: The random numbers.
        log_density: log p, up to a constant, from values [..., *event] to numbers [...].
        x: The values at which the chains start.
        steps: The number of transitions.
        step_size: The size s of a leapfrog step.
        leapfrog: The number of leapfrog steps of a transition.

    """
    point = at(log_density, x)
    for _ in range(steps):
        point, _ = step(noise, log_density, point, step_size=step_size, leapfrog=leapfrog)
    return point.value
