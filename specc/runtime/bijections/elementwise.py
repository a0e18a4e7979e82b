"""Fixed increasing functions, entry by entry, for events of `rank` axes.

No value is at an end of the range that it is a map onto, where its logarithm would be infinite:
what rounds to an end is the number next to it, and its log-slope is still that of u.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.event import total
from specc.runtime.number import positive_exp


class Elementwise(Bijection):
    """x_i = m(u_i); the log-slopes add up over the last `rank` axes."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.rank = rank


class Exp(Elementwise):
    """x = exp(u), onto the positive numbers."""

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x, and the sum of u."""
        return positive_exp(u), total(u, self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """u = log x, and the sum of -u."""
        u = x.log()
        return u, -total(u, self.rank)


class Sigmoid(Elementwise):
    """x = 1 / (1 + exp(-u)), onto (0, 1)."""

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x, and the sum of log x (1 - x)."""
        kind = torch.finfo(u.dtype)
        x = u.sigmoid().clamp(kind.tiny, 1 - kind.eps / 2)
        return x, total(functional.logsigmoid(u) + functional.logsigmoid(-u), self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """u = log x - log(1 - x), and the sum of -log x (1 - x)."""
        low, high = x.log(), torch.log1p(-x)
        return low - high, -total(low + high, self.rank)


class Softplus(Elementwise):
    """x = log(1 + exp(u)), onto the positive numbers."""

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x, and the sum of log(1 - exp(-x)) = log sigmoid(u)."""
        x = torch.logaddexp(u, torch.zeros_like(u)).clamp_min(torch.finfo(u.dtype).tiny)
        return x, total(functional.logsigmoid(u), self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """u = x + log(1 - exp(-x)), and the sum of -log(1 - exp(-x))."""
        log_slope = torch.log(-torch.expm1(-x))
        return x + log_slope, -total(log_slope, self.rank)


class Tanh(Elementwise):
    """x = tanh(u), onto (-1, 1)."""

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x, and the sum of log(1 - x^2) = 2 (log 2 - u - log(1 + exp(-2 u)))."""
        far = u.abs()
        log_slope = 2 * (math.log(2) - far - torch.log1p((-2 * far).exp()))
        largest = 1 - torch.finfo(u.dtype).eps / 2
        return u.tanh().clamp(-largest, largest), total(log_slope, self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """u = (log(1 + x) - log(1 - x)) / 2, and the sum of -log(1 - x^2)."""
        up, down = torch.log1p(x), torch.log1p(-x)
        return (up - down) / 2, -total(up + down, self.rank)
