"""x = exp(log_scale) u + shift, entry by entry, with learnt scale and shift."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.event import total


class Affine(Bijection):
    """x = exp(log_scale) u + shift; log |det dx/du| = sum of log_scale.

    `shape` is that of the event. With a context of `context` numbers, scale and shift are affine
    in it.
    """

    def __init__(self, shape: tuple[int, ...], context: int = 0) -> None:
        super().__init__()
        self.shape = shape
        self.log_scale = nn.Parameter(torch.zeros(shape))
        self.shift = nn.Parameter(torch.zeros(shape))
        self.linear = nn.Linear(context, 2 * math.prod(shape)) if context else None
        if self.linear is not None:
            nn.init.zeros_(self.linear.weight)
            nn.init.zeros_(self.linear.bias)

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        log_scale, shift = self._of(context)
        x = u * log_scale.exp() + shift
        return x, total(log_scale.expand_as(x), len(self.shape))

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        log_scale, shift = self._of(context)
        u = (x - shift) * (-log_scale).exp()
        return u, -total(log_scale.expand_as(u), len(self.shape))

    def _of(self, context: Tensor | None) -> tuple[Tensor, Tensor]:
        if self.linear is None or context is None:
            return self.log_scale, self.shift
        more = self.linear(context).unflatten(-1, (2, *self.shape))
        log_scale, shift = more.unbind(-1 - len(self.shape))
        return self.log_scale + log_scale, self.shift + shift
