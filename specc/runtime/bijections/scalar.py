"""Increasing maps of single numbers with parameters from a network."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

BOUND = 3.0
"""The largest |log scale| of an affine map, so that a layer scales by at most 20."""


class ScalarMap(ABC):
    """x_i = m(u_i), entry by entry, with `size` parameters for each entry.

    `given` has the parameters, [size, *shape of the value]. Both directions return the log-slope of
    each entry, in the shape of the value. With all parameters 0 the map is the identity.
    """

    size: int

    @abstractmethod
    def forward(self, u: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """The value x and log dx/du of each entry."""

    @abstractmethod
    def inverse(self, x: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """The draw u and log du/dx of each entry."""


class ScaleAndShift(ScalarMap):
    """x = exp(a) u + b, with a = 3 tanh(s / 3)."""

    size = 2

    def forward(self, u: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """The value x and log dx/du = a."""
        s, shift = given.unbind(0)
        log_scale = BOUND * torch.tanh(s / BOUND)
        return u * log_scale.exp() + shift, log_scale

    def inverse(self, x: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """The draw u and log du/dx = -a."""
        s, shift = given.unbind(0)
        negative = BOUND * torch.tanh(s / -BOUND)
        return (x - shift) * negative.exp(), negative


class Shift(ScalarMap):
    """x = u + b, with log-slope 0."""

    size = 1

    def forward(self, u: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """The value x and log dx/du = 0."""
        x = u + given[0]
        return x, torch.zeros_like(x)

    def inverse(self, x: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """The draw u and log du/dx = 0."""
        u = x - given[0]
        return u, torch.zeros_like(u)
