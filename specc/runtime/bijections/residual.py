"""Invertible residual blocks.

Behrmann et al. (2019), Invertible residual networks; Chen, Behrmann, Duvenaud and Jacobsen (2019),
Residual flows for invertible generative modeling.
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


class InvertibleResidual(Stochastic):
    """u = x + g(x; context) for vectors of `size` entries, where g has a Lipschitz constant < 1.

    `inverse` is one pass; `forward` is a fixed point, to 32 units in the last place.
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

    def forward(
        self, u: Tensor, context: Tensor | None = None, noise: Noise | None = None
    ) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        g = self.g.at(context)
        x = solve(g, expand_to_context(u, context, 1))
        return x, -log_det(g, g.with_slopes(x)[1], x, noise)

    def forward_value(self, u: Tensor, context: Tensor | None = None) -> Tensor:
        """x alone: the fixed point, without a Jacobian."""
        return solve(self.g.at(context), expand_to_context(u, context, 1))

    def inverse_value(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """u alone: x + g(x)."""
        return x + self.g.at(context)(expand_to_context(x, context, 1))

    def inverse(
        self, x: Tensor, context: Tensor | None = None, noise: Noise | None = None
    ) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        g = self.g.at(context)
        change, slopes = g.with_slopes(expand_to_context(x, context, 1))
        return x + change, log_det(g, slopes, change, noise)
