"""x = exp(log_scale) u + shift, entry by entry, with learnt scale and shift."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.number import full_shape


class Affine(Bijection):
    """x = exp(log_scale) u + shift; log |det dx/du| = sum of log_scale.

    `shape` is the event's; with a `context` of that many numbers, scale and shift are linear in it.
    """

    def __init__(self, shape: tuple[int, ...], context: int = 0) -> None:
        super().__init__()
        self.shape = shape
        self.log_scale = nn.Parameter(torch.zeros(shape))
        self.shift = nn.Parameter(torch.zeros(shape))
        self.linear = nn.Linear(context, 2 * math.prod(shape)) if context else None

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x, and log |det dx/du|."""
        log_scale, shift = self._of(context)
        return u * log_scale.exp() + shift, self._log_det(u, log_scale)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """u, and log |det du/dx|."""
        log_scale, shift = self._of(context)
        return (x - shift) * (-log_scale).exp(), -self._log_det(x, log_scale)

    def _of(self, context: Tensor | None) -> tuple[Tensor, Tensor]:
        if self.linear is None or context is None:
            return self.log_scale, self.shift
        more = self.linear(context).unflatten(-1, (2, *self.shape))
        log_scale, shift = more.unbind(-1 - len(self.shape))
        return self.log_scale + log_scale, self.shift + shift

    def _log_det(self, value: Tensor, log_scale: Tensor) -> Tensor:
        axes = tuple(range(-len(self.shape), 0))
        whole = log_scale.expand(full_shape(None, value, log_scale))
        return whole.sum(axes) if axes else whole
