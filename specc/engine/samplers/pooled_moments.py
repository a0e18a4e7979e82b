"""Means and sums of squares of the draws of many chains, and the metric of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from specc.engine.samplers.dynamics import Array
from specc.engine.samplers.metric import FEWEST, scales_of


class PooledMoments:
    """Moments of positions and gradients, of all chains together.

    A group of draws is merged by the formula of Chan, Golub and LeVeque (1983).
    """

    def __init__(self, size: int) -> None:
        self.count = 0
        self.mean = np.zeros((2, size))
        self.sum = np.zeros((2, size))

    def add(self, positions: Array, gradients: Array) -> None:
        """Adds the draws of all chains, [chains, size], and the gradients at them."""
        both = np.stack([positions, gradients])
        new, total = both.shape[1], self.count + both.shape[1]
        mean = both.mean(1)
        away = mean - self.mean
        self.sum += ((both - mean[:, None]) ** 2).sum(1) + away**2 * self.count * new / total
        self.mean += away * new / total
        self.count = total

    def scales(self, before: Array) -> Array:
        """The scale of each coordinate; the one before if there are too few draws."""
        if self.count < FEWEST:
            return before
        of_position, of_gradient = self.sum / (self.count - 1)
        return scales_of(of_position, of_gradient, before)

    def arrays(self) -> dict[str, Array]:
        """The moments by name."""
        return {"count": np.array(self.count), "mean": self.mean, "sum": self.sum}

    def set(self, arrays: Mapping[str, Array]) -> None:
        """Sets the moments."""
        self.count = int(arrays["count"])
        self.mean, self.sum = np.array(arrays["mean"]), np.array(arrays["sum"])
