"""Fixed increasing functions, entry by entry, for events of `rank` axes.

A value that rounds to an end of the range, where its logarithm would be infinite, is replaced by
the adjacent number inside the range; its log-slope is that of u.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.event import total, zero_log_det
from specc.runtime.number import positive_exp


class Elementwise(Bijection):
    """x_i = m(u_i), with the sum of the log-slopes over the last `rank` axes."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.rank = rank


class Identity(Elementwise):
    """x = u, onto all real numbers."""

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and the log-determinant 0."""
        return u, zero_log_det(u, self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and the log-determinant 0."""
        return x, zero_log_det(x, self.rank)


class Exp(Elementwise):
    """x = exp(u), onto the positive numbers."""

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and the sum of u."""
        return positive_exp(u), total(u, self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u = log x and the sum of -u."""
        u = x.log()
        return u, -total(u, self.rank)


class Sigmoid(Elementwise):
    """x = 1 / (1 + exp(-u)), onto (0, 1)."""

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and the sum of log x (1 - x)."""
        kind = torch.finfo(u.dtype)
        x = u.sigmoid().clamp(kind.tiny, 1 - kind.eps / 2)
        return x, total(functional.logsigmoid(u) + functional.logsigmoid(-u), self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u = log x - log(1 - x) and the sum of -log x (1 - x)."""
        low, high = x.log(), torch.log1p(-x)
        return low - high, -total(low + high, self.rank)


class Softplus(Elementwise):
    """x = log(1 + exp(u)), onto the positive numbers."""

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and the sum of log(1 - exp(-x)) = log sigmoid(u)."""
        x = torch.logaddexp(u, torch.zeros_like(u)).clamp_min(torch.finfo(u.dtype).tiny)
        return x, total(functional.logsigmoid(u), self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u = x + log(1 - exp(-x)) and the sum of -log(1 - exp(-x))."""
        log_slope = torch.log(-torch.expm1(-x))
        return x + log_slope, -total(log_slope, self.rank)


class Tanh(Elementwise):
    """x = tanh(u), onto (-1, 1)."""

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and the sum of log(1 - x^2) = 2 (log 2 - u - log(1 + exp(-2 u)))."""
        far = u.abs()
        log_slope = 2 * (math.log(2) - far - torch.log1p((-2 * far).exp()))
        largest = 1 - torch.finfo(u.dtype).eps / 2
        return u.tanh().clamp(-largest, largest), total(log_slope, self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u = (log(1 + x) - log(1 - x)) / 2 and the sum of -log(1 - x^2)."""
        up, down = torch.log1p(x), torch.log1p(-x)
        return (up - down) / 2, -total(up + down, self.rank)


class HalfLine(Elementwise):
    """x = end + sign exp(u), onto the numbers above (sign 1) or below (sign -1) an end."""

    def __init__(self, rank: int, end: float, sign: int) -> None:
        super().__init__(rank)
        self.end = end
        self.sign = sign

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and the sum of u."""
        x = self.end + self.sign * positive_exp(u)
        least = adjacent(x, self.end, self.sign * math.inf)
        most = torch.full_like(least, self.sign * torch.finfo(x.dtype).max)
        low, high = (least, most) if self.sign > 0 else (most, least)
        return x.clamp(low, high), total(u, self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u = log |x - end| and the sum of -u."""
        u = (self.sign * (x - self.end)).log()
        return u, -total(u, self.rank)


class Between(Elementwise):
    """x = low + (high - low) / (1 + exp(-u)), onto (low, high)."""

    def __init__(self, rank: int, low: float, high: float) -> None:
        super().__init__(rank)
        self.low = low
        self.high = high

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and the sum of log (x - low) (high - x) / (high - low)."""
        width = self.high - self.low
        log_slope = functional.logsigmoid(u) + functional.logsigmoid(-u) + math.log(width)
        x = self.low + width * u.sigmoid()
        ends = adjacent(x, self.low, self.high), adjacent(x, self.high, self.low)
        return x.clamp(*ends), total(log_slope, self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u = log(x - low) - log(high - x) and the sum of the log-slopes."""
        up, down = (x - self.low).log(), (self.high - x).log()
        log_slope = math.log(self.high - self.low) - up - down
        return up - down, total(log_slope, self.rank)


def adjacent(like: Tensor, end: float, towards: float) -> Tensor:
    """The normal number adjacent to `end` towards `towards`, in the type of `like`."""
    if end == 0.0:
        return like.new_tensor(math.copysign(torch.finfo(like.dtype).tiny, towards))
    return torch.nextafter(like.new_tensor(end), like.new_tensor(towards))
