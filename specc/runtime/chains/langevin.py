"""The unadjusted Langevin algorithm.

    x' = x + s / 2 grad log p(x) + sqrt(s) xi,      xi ~ Normal(0, 1)

(Roberts and Tweedie 1996, section 1.4.1). Its stationary distribution is not p: for a normal
target with variance v it has the variance v / (1 - s / (4 v)), and none if s >= 4 v.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from specc.runtime.chains.point import LogDensity, at
from specc.runtime.noise import Noise


@torch.no_grad()
def run(
    noise: Noise,
    log_density: LogDensity,
    x: Tensor,
    *,
    steps: int = 1,
    step_size: float,
    noise_scale: float | None = None,
) -> Tensor:
    """The values of chains after some steps from x [..., *event], without a gradient.

    Args:
        noise: The random numbers.
        log_density: log p, up to a constant, from values [..., *event] to numbers [...].
        x: The values at which the chains start.
        steps: The number of transitions.
        step_size: The step size s.
        noise_scale: The standard deviation of the noise; sqrt(s) if it is None.

    """
    scale = math.sqrt(step_size) if noise_scale is None else noise_scale
    x = x.detach()
    for _ in range(steps):
        gradient = at(log_density, x).gradient
        x = x + step_size / 2 * gradient + scale * noise.normal(x.shape)
    return x
