"""Bijections whose log-determinant may be estimated."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.noise import Noise


class Stochastic(Bijection):
    """A bijection whose two ways take `noise` as well.

    With noise the log-determinant is an unbiased estimate, which may be the exact value where that
    costs no more; without noise it is exact.
    """

    @abstractmethod
    def forward(
        self, u: Tensor, context: Tensor | None = None, noise: Noise | None = None
    ) -> tuple[Tensor, Tensor]:
        """x = f(u), and log |det dx/du|."""

    @abstractmethod
    def inverse(
        self, x: Tensor, context: Tensor | None = None, noise: Noise | None = None
    ) -> tuple[Tensor, Tensor]:
        """u = f^-1(x), and log |det du/dx|."""
