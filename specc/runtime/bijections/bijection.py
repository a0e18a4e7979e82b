"""The interface of bijections: forward and inverse maps with their log-determinants."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from specc.runtime.noise import Noise


class Bijection(nn.Module, ABC):
    """A one-to-one map x = f(u) with the log-determinant of its Jacobian.

    Values are [..., *event], and the log-determinant has the shape of the leading axes. `context`
    is a vector for each value, [..., context], if the map is conditional. The leading axes of value
    and context broadcast against each other.
    """

    @abstractmethod
    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x = f(u) and log |det dx/du|."""

    @abstractmethod
    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u = f^-1(x) and log |det du/dx|."""

    def forward_value(self, u: Tensor, context: Tensor | None = None) -> Tensor:
        """The value x = f(u) without the log-determinant, for draws without a density."""
        x: Tensor = self(u, context)[0]
        return x

    def inverse_value(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """The draw u = f^-1(x) without the log-determinant, for functions of u."""
        return self.inverse(x, context)[0]


class Stochastic(Bijection):
    """A bijection with a stochastic estimate of the log-determinant.

    With `noise` the log-determinant is an unbiased estimate, or the exact value if that costs no
    more; without `noise` it is exact.
    """

    @abstractmethod
    def forward(
        self, u: Tensor, context: Tensor | None = None, noise: Noise | None = None
    ) -> tuple[Tensor, Tensor]:
        """The value x = f(u) and log |det dx/du|."""

    @abstractmethod
    def inverse(
        self, x: Tensor, context: Tensor | None = None, noise: Noise | None = None
    ) -> tuple[Tensor, Tensor]:
        """The draw u = f^-1(x) and log |det du/dx|."""
