"""The two ways of every bijection."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Bijection(nn.Module, ABC):
    """A one-to-one map x = f(u), with the logarithm of its Jacobian's determinant.

    Values end with the event's axes; any axes may stand before them, and the log-determinant has
    those alone. `context`, where the map takes one, is a vector for each value: [..., context]. The
    axes before the two broadcast, either way: one value may meet several contexts.
    """

    @abstractmethod
    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x = f(u), and log |det dx/du|."""

    @abstractmethod
    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """u = f^-1(x), and log |det du/dx|."""

    def push(self, u: Tensor, context: Tensor | None = None) -> Tensor:
        """x = f(u) alone, for draws of which nobody asks the density."""
        x: Tensor = self(u, context)[0]
        return x
