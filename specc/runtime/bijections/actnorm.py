"""A scale and a shift for each channel, with data-dependent initialization.

Kingma and Dhariwal (2018), Glow: Generative flow with invertible 1x1 convolutions, section 3.1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.data_dependent_init import is_initializing
from specc.runtime.bijections.event import zero_log_det

STEADY = 1e-6
"""A channel with a smaller standard deviation is shifted only."""


class ActNorm(Bijection):
    """x = exp(log_scale) u + shift, by the first axis of an event of shape `shape`.

    log |det dx/du| is the sum of log_scale, times the number of positions of the other axes. Inside
    `initializing()` a call of either map sets both parameters, so that each channel of its result
    has mean 0 and variance 1 over the batch.
    """

    has_data_dependent_init = True

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        channels, *places = shape
        self.places, self.rank = math.prod(places), len(shape)
        self.log_scale = nn.Parameter(torch.zeros(channels))
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        if is_initializing():
            mean, log_std = self._moments(u)
            self._set(-log_std, -mean * (-log_std).exp())
        x = u * self._wide(self.log_scale.exp()) + self._wide(self.shift)
        return x, zero_log_det(u, self.rank) + self.log_scale.sum() * self.places

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        if is_initializing():
            mean, log_std = self._moments(x)
            self._set(log_std, mean)
        u = (x - self._wide(self.shift)) * self._wide((-self.log_scale).exp())
        return u, zero_log_det(x, self.rank) - self.log_scale.sum() * self.places

    def _wide(self, channels: Tensor) -> Tensor:
        """A number for each channel, with axes of size 1 for the other axes of the event."""
        return channels.reshape(-1, *(1,) * (self.rank - 1))

    @torch.no_grad()
    def _moments(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """The mean of each channel, and the logarithm of its standard deviation."""
        rows = value.detach().movedim(-self.rank, 0).flatten(1)
        std = rows.std(1, correction=0)
        return rows.mean(1), torch.where(std > STEADY, std, 1).log()

    @torch.no_grad()
    def _set(self, log_scale: Tensor, shift: Tensor) -> None:
        self.log_scale.copy_(log_scale)
        self.shift.copy_(shift)
