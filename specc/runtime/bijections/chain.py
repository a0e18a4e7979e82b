"""Bijections one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from torch import Tensor

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.stochastic import Stochastic
from specc.runtime.noise import Noise


class Chain(Stochastic):
    """x = f_n(... f_1(u)): the first step listed takes the draw, and log-determinants add up.

    Every step sees the same context; those that estimate their log-determinant get the noise.
    """

    def __init__(self, *steps: Bijection) -> None:
        super().__init__()
        for number, step in enumerate(steps):
            self.add_module(str(number), step)

    def forward(
        self, u: Tensor, context: Tensor | None = None, noise: Noise | None = None
    ) -> tuple[Tensor, Tensor]:
        """x, and log |det dx/du|."""
        first, *rest = self._steps()
        x, log_det = onward(first, u, context, noise)
        for step in rest:
            x, more = onward(step, x, context, noise)
            log_det = log_det + more
        return x, log_det

    def push(self, u: Tensor, context: Tensor | None = None) -> Tensor:
        """x alone, each step by its own `push`."""
        for step in self._steps():
            u = step.push(u, context)
        return u

    def inverse(
        self, x: Tensor, context: Tensor | None = None, noise: Noise | None = None
    ) -> tuple[Tensor, Tensor]:
        """u, and log |det du/dx|."""
        *rest, last = self._steps()
        u, log_det = back(last, x, context, noise)
        for step in reversed(rest):
            u, more = back(step, u, context, noise)
            log_det = log_det + more
        return u, log_det

    def _steps(self) -> Iterator[Bijection]:
        return cast("Iterator[Bijection]", self.children())


def onward(
    step: Bijection, u: Tensor, context: Tensor | None, noise: Noise | None
) -> tuple[Tensor, Tensor]:
    """A step from the draw to the value, with the noise where it takes any."""
    if isinstance(step, Stochastic):
        return step.forward(u, context, noise)
    return step.forward(u, context)


def back(
    step: Bijection, x: Tensor, context: Tensor | None, noise: Noise | None
) -> tuple[Tensor, Tensor]:
    """A step from the value to the draw, with the noise where it takes any."""
    if isinstance(step, Stochastic):
        return step.inverse(x, context, noise)
    return step.inverse(x, context)
