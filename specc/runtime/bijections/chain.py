"""The composition of bijections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from torch import Tensor

from specc.runtime.bijections.bijection import Bijection, Stochastic
from specc.runtime.noise import Noise


class Chain(Stochastic):
    """x = f_n(... f_1(u)), with the sum of the log-determinants.

    All steps get the same context, and `Stochastic` steps also get the noise.
    """

    def __init__(self, *steps: Bijection) -> None:
        super().__init__()
        for number, step in enumerate(steps):
            self.add_module(str(number), step)

    def forward(
        self, u: Tensor, context: Tensor | None = None, noise: Noise | None = None
    ) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        first, *rest = self._steps()
        x, log_det = onward(first, u, context, noise)
        for step in rest:
            x, more = onward(step, x, context, noise)
            log_det = log_det + more
        return x, log_det

    def forward_value(self, u: Tensor, context: Tensor | None = None) -> Tensor:
        """The value x alone, by the `forward_value` of each step."""
        for step in self._steps():
            u = step.forward_value(u, context)
        return u

    def inverse_value(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """The draw u alone, by the `inverse_value` of each step."""
        for step in reversed(list(self._steps())):
            x = step.inverse_value(x, context)
        return x

    def inverse(
        self, x: Tensor, context: Tensor | None = None, noise: Noise | None = None
    ) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
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
    """The forward map of a step, with the noise if the step is `Stochastic`."""
    if isinstance(step, Stochastic):
        return step.forward(u, context, noise)
    return step.forward(u, context)


def back(
    step: Bijection, x: Tensor, context: Tensor | None, noise: Noise | None
) -> tuple[Tensor, Tensor]:
    """The inverse map of a step, with the noise if the step is `Stochastic`."""
    if isinstance(step, Stochastic):
        return step.inverse(x, context, noise)
    return step.inverse(x, context)
