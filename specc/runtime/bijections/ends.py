"""Maps onto intervals whose ends are values: those of the context.

    x = low + (high - low) / (1 + exp(-u)),   x = low + exp(u)   or   x = high - exp(u)

The log-determinant is that of x as a function of u at fixed ends. If the ends are functions of
other values, the Jacobian of all of them together is triangular, so that its determinant is the
product of such slopes (Stan Reference Manual, Constraint transforms).

A context [..., n] has an end for each of the n entries of a value, or [..., 1] one for all of
them; of two ends the lower ones come first. A value that rounds to an end is replaced by the
adjacent number inside.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from specc.runtime.bijections.elementwise import Elementwise
from specc.runtime.bijections.event import total
from specc.runtime.number import positive_exp

Pair = tuple[Tensor, Tensor]


class _HalfLine(Elementwise):
    """x = end + sign exp(u), for an end that the context has."""

    sign: float

    def forward(self, u: Tensor, context: Tensor | None = None) -> Pair:
        """The value x and the sum of u."""
        u, (end,) = _with_ends(u, context, self.rank, 1)
        x = end + self.sign * positive_exp(u)
        most = self.sign * torch.finfo(x.dtype).max
        inside = x.maximum(_inside(end, math.inf)) if self.sign > 0 else x
        inside = inside if self.sign > 0 else x.minimum(_inside(end, -math.inf))
        return inside.clamp(min(most, -most), max(most, -most)), total(u, self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> Pair:
        """The draw u = log |x - end| and the sum of -u."""
        x, (end,) = _with_ends(x, context, self.rank, 1)
        u = (self.sign * (x - end)).log()
        return u, -total(u, self.rank)


class Above(_HalfLine):
    """x = low + exp(u), onto the numbers above an end that the context has."""

    sign = 1.0


class Below(_HalfLine):
    """x = high - exp(u), onto the numbers below an end that the context has."""

    sign = -1.0


class Between(Elementwise):
    """x = low + (high - low) / (1 + exp(-u)), onto the numbers between two ends.

    The context has the ends that are not given as numbers.
    """

    def __init__(self, rank: int, low: float | None = None, high: float | None = None) -> None:
        super().__init__(rank)
        self.low = low
        self.high = high

    def forward(self, u: Tensor, context: Tensor | None = None) -> Pair:
        """The value x and the sum of log (high - low) s (1 - s), s = 1 / (1 + exp(-u))."""
        u, low, high = self._ends(u, context)
        width = high - low
        log_slope = functional.logsigmoid(u) + functional.logsigmoid(-u) + width.log()
        # From the nearer end, so that neither end loses the digits of a small distance.
        x = torch.where(u < 0, low + width * u.sigmoid(), high - width * (-u).sigmoid())
        x = x.maximum(_inside(low, math.inf)).minimum(_inside(high, -math.inf))
        return x, total(log_slope, self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> Pair:
        """The draw u = log(x - low) - log(high - x) and the sum of the log-slopes."""
        x, low, high = self._ends(x, context)
        up, down = (x - low).log(), (high - x).log()
        return up - down, total((high - low).log() - up - down, self.rank)

    def _ends(self, value: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """The value and its ends, with the axes of the value."""
        numbers = (self.low, self.high)
        value, given = _with_ends(value, context, self.rank, numbers.count(None))
        moving = iter(given)
        low, high = (next(moving) if end is None else value.new_tensor(end) for end in numbers)
        return value, low, high


def _with_ends(
    value: Tensor, context: Tensor | None, rank: int, count: int
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The value [..., *event] with the leading axes of the context, and the ends of its entries."""
    assert context is not None
    leading, event = value.shape[: value.ndim - rank], value.shape[value.ndim - rank :]
    shape = torch.broadcast_shapes(leading, context.shape[:-1])  # type: ignore[no-untyped-call]
    size = context.shape[-1] // count
    one = event if size == math.prod(event) else (1,) * rank
    ends = (end.reshape((*context.shape[:-1], *one)) for end in torch.split(context, size, -1))
    return value.expand((*shape, *event)), tuple(ends)


def _inside(end: Tensor, towards: float) -> Tensor:
    """The number adjacent to an end, with the gradient of the end."""
    with torch.no_grad():
        tiny = torch.full_like(end, math.copysign(torch.finfo(end.dtype).tiny, towards))
        near = torch.where(end == 0, tiny, torch.nextafter(end, torch.full_like(end, towards)))
        step = near - end
    return end + step
