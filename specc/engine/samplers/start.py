"""The start of chains: random points, until the density there is positive."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from specc.engine.samplers.dynamics import Array
from specc.runtime.noise import Noise

START = 2.0
"""Chains start at uniform numbers between -2 and 2 (Stan Reference Manual, initialization)."""

TRIES = 100


class NoStart(Exception):
    """No position with a positive density was found for a chain; `position` is the last tried."""

    def __init__(self, chain: int, position: Array) -> None:
        super().__init__(f"chain {chain} has no start")
        self.chain, self.position = chain, position


def find_start(
    noise: Noise, shape: tuple[int, int], evaluate: Callable[[Tensor], tuple[Tensor, Tensor]]
) -> tuple[Tensor, Tensor, Tensor]:
    """Positions [chains, size] with a positive density, the gradients, and the log-densities.

    A chain tries random points until the density and its gradient are finite numbers.

    Args:
        noise: The random numbers.
        shape: The number of chains, and of coordinates.
        evaluate: The gradients and the log-densities at positions.

    Raises NoStart.

    """
    positions = noise.zeros(shape)
    missing = torch.ones_like(positions[:, 0], dtype=torch.bool)
    for _ in range(TRIES):
        fresh = START * (2.0 * noise.uniform(shape) - 1.0)
        positions = torch.where(missing[:, None], fresh, positions)
        gradients, values = evaluate(positions)
        missing = ~(values.isfinite() & gradients.isfinite().all(-1))
        if not missing.any():
            return positions, gradients, values
    first = int(missing.nonzero()[0, 0])
    raise NoStart(first, positions[first].double().cpu().numpy())
