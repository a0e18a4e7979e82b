"""Increasing maps of single numbers, whose parameters a network gives."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

BOUND = 3.0
"""The largest |log scale| of one affine map, so that no layer scales by more than 20."""


class ScalarMap(ABC):
    """x_i = m(u_i), entry by entry, with `size` parameters for each entry.

    `given` is [size, *shape of the value]. Both ways give the logarithm of the slope for each
    entry, of the value's shape. Where all parameters are 0 the map is the identity.
    """

    size: int

    @abstractmethod
    def forward(self, u: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """x and log dx/du."""

    @abstractmethod
    def inverse(self, x: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """u and log du/dx."""


class ScaleAndShift(ScalarMap):
    """x = exp(a) u + b, with a = 3 tanh(s / 3)."""

    size = 2

    def forward(self, u: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """x and a."""
        s, shift = given.unbind(0)
        log_scale = BOUND * torch.tanh(s / BOUND)
        return u * log_scale.exp() + shift, log_scale

    def inverse(self, x: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """u and -a."""
        s, shift = given.unbind(0)
        negative = BOUND * torch.tanh(s / -BOUND)
        return (x - shift) * negative.exp(), negative


class Shift(ScalarMap):
    """x = u + b, which keeps volumes."""

    size = 1

    def forward(self, u: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """x and 0."""
        x = u + given[0]
        return x, torch.zeros_like(x)

    def inverse(self, x: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """u and 0."""
        u = x - given[0]
        return u, torch.zeros_like(u)
