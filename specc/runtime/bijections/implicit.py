"""Implicit blocks: a residual map, and then the inverse of another.

Lu, Chen, Li, Wang and Zhu (2021), Implicit normalizing flows, section 4.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from specc.runtime.bijections.bijection import Stochastic
from specc.runtime.bijections.determinant import log_det
from specc.runtime.bijections.event import expand_to_context
from specc.runtime.bijections.implicit_gradient import solve
from specc.runtime.bijections.lipschitz_network import LipschitzNetwork
from specc.runtime.noise import Noise


class Implicit(Stochastic):
    """u + h(u; context) = x + g(x; context), for vectors of `size` entries (eq. 4).

    g and h have Lipschitz constants less than 1. Both directions are a fixed point, to 32 units in
    the last place, and log |det du/dx| = log det(I + dg/dx) - log det(I + dh/du) (eq. 6).
    """

    def __init__(
        self,
        size: int,
        hidden: Sequence[int],
        activation: str,
        coefficient: float,
        context: int = 0,
    ) -> None:
        super().__init__()
        self.g = LipschitzNetwork(size, hidden, activation, coefficient, context)
        self.h = LipschitzNetwork(size, hidden, activation, coefficient, context)

    def forward(
        self, u: Tensor, context: Tensor | None = None, noise: Noise | None = None
    ) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        return _across(self.h, self.g, u, context, noise)

    def forward_value(self, u: Tensor, context: Tensor | None = None) -> Tensor:
        """The value x alone, from the fixed point without a Jacobian."""
        u = expand_to_context(u, context, 1)
        return solve(self.g.at(context), u + self.h.at(context)(u))

    def inverse_value(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """The draw u alone, from the fixed point without a Jacobian."""
        x = expand_to_context(x, context, 1)
        return solve(self.h.at(context), x + self.g.at(context)(x))

    def inverse(
        self, x: Tensor, context: Tensor | None = None, noise: Noise | None = None
    ) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        return _across(self.g, self.h, x, context, noise)


def _across(
    near: LipschitzNetwork,
    far: LipschitzNetwork,
    value: Tensor,
    context: Tensor | None,
    noise: Noise | None,
) -> tuple[Tensor, Tensor]:
    """The solution y of y + far(y) = value + near(value), and log |det dy/dvalue|."""
    here, there = near.at(context), far.at(context)
    change, slopes = here.with_slopes(expand_to_context(value, context, 1))
    y = solve(there, value + change)
    after = log_det(there, there.with_slopes(y)[1], y, noise)
    return y, log_det(here, slopes, change, noise) - after
