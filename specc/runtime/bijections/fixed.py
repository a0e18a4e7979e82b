"""Shifts, scales, logits and their inverses, entry by entry, without parameters."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.elementwise import Elementwise
from specc.runtime.bijections.event import expand_to_context, total, zero_log_det


class Shift(Elementwise):
    """x = u + shift."""

    def __init__(self, rank: int, shift: float) -> None:
        super().__init__(rank)
        self.shift = shift

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and the log-determinant 0."""
        return u + self.shift, zero_log_det(u, self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and the log-determinant 0."""
        return x - self.shift, zero_log_det(x, self.rank)


class Factor(Elementwise):
    """x = factor u, for a positive factor; log |det dx/du| = log factor for each entry."""

    def __init__(self, rank: int, factor: float) -> None:
        super().__init__(rank)
        self.factor = factor

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and the log-determinant."""
        return u * self.factor, zero_log_det(u, self.rank) + self._log_det(u)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and the log-determinant."""
        return x / self.factor, zero_log_det(x, self.rank) - self._log_det(x)

    def _log_det(self, value: Tensor) -> float:
        entries = math.prod(value.shape[value.ndim - self.rank :])
        return entries * math.log(self.factor)


class Sigmoid(Elementwise):
    """x = (p - a) / (1 - 2 a), p = 1 / (1 + exp(-u)), with a = `inset` below 1/2.

    A p that rounds to 0 or 1 is replaced by a number so far from it that p can be computed from x.
    """

    def __init__(self, rank: int, inset: float) -> None:
        super().__init__(rank)
        self.inset = inset

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and the sum of log p (1 - p) / (1 - 2 a)."""
        kind = torch.finfo(u.dtype)
        least, most = (2 * kind.eps, 2 * kind.eps) if self.inset else (kind.tiny, kind.eps / 2)
        p = u.sigmoid().clamp(least, 1 - most)
        log_slope = functional.logsigmoid(u) + functional.logsigmoid(-u)
        wide = 1 - 2 * self.inset
        return (p - self.inset) / wide, total(log_slope - math.log(wide), self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u = log p - log(1 - p) and the sum of -log p (1 - p) / (1 - 2 a)."""
        wide = 1 - 2 * self.inset
        p = self.inset + wide * x
        low, high = p.log(), torch.log1p(-p)
        return low - high, total(math.log(wide) - low - high, self.rank)


class Logit(Sigmoid):
    """x = log p - log(1 - p), p = a + (1 - 2 a) u: the inverse of `Sigmoid`."""

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and the sum of log (1 - 2 a) / (p (1 - p))."""
        return super().inverse(u, context)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and the sum of log p (1 - p) / (1 - 2 a)."""
        return super().forward(x, context)


class Offset(Bijection):
    """x = u + h, for values of shape `shape` and a context h with as many numbers."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and the log-determinant 0."""
        return self._moved(u, context, 1.0)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and the log-determinant 0."""
        return self._moved(x, context, -1.0)

    def _moved(self, value: Tensor, context: Tensor | None, by: float) -> tuple[Tensor, Tensor]:
        assert context is not None
        rank = len(self.shape)
        moved = expand_to_context(value, context, rank) + by * context.reshape(
            *context.shape[:-1], *self.shape
        )
        return moved, zero_log_det(moved, rank)
