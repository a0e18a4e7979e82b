"""The stick-breaking bijection from n - 1 real numbers onto the simplex of n entries."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.event import total


class StickBreaking(Bijection):
    """x_k = z_k (1 - x_1 - ... - x_{k-1}), with z_k = sigmoid(u_k - log(n - k)) for k < n.

    u is [..., n - 1] and x is [..., n]: z_k is the fraction of the remaining stick, and u = 0 gives
    n equal entries. With r_k = x_k + ... + x_n, the log-determinant of the first n - 1 entries of x
    is the sum of log x_k + log r_{k+1} - log r_k. The event has `rank` axes, and the last one is
    that of the simplex. No entry is 0: the smallest possible one is the smallest normal number.

    Stan Reference Manual, Constraint transforms, unit simplex.
    """

    def __init__(self, rank: int = 1) -> None:
        super().__init__()
        self.rank = rank

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        share = u - _offsets(u, u.shape[-1])
        broken, left = functional.logsigmoid(share), functional.logsigmoid(-share)
        log_x = functional.pad(left.cumsum(-1), (1, 0)) + functional.pad(broken, (0, 1))
        x = log_x.exp().clamp_min(torch.finfo(u.dtype).tiny)
        return x, total(log_x[..., :-1] + left, self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        rest = x.flip(-1).cumsum(-1).flip(-1).log()
        log_x = x[..., :-1].log()
        u = log_x - rest[..., 1:] + _offsets(x, x.shape[-1] - 1)
        return u, -total(log_x + rest[..., 1:] - rest[..., :-1], self.rank)


def _offsets(like: Tensor, count: int) -> Tensor:
    """log(n - k) for k from 1 to n - 1 = `count`."""
    return torch.arange(count, 0, -1, dtype=like.dtype, device=like.device).log()
