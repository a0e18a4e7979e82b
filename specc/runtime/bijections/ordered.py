"""The bijection from vectors of real numbers onto increasing vectors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.event import total
from specc.runtime.number import positive_exp


class Ordered(Bijection):
    """x_1 = u_1, x_k = x_(k-1) + exp(u_k): log |det dx/du| = u_2 + ... + u_n.

    u and x are [..., n]; the event has `rank` axes, and the last one is that of the order. Stan
    Reference Manual, Constraint transforms, ordered vectors.
    """

    def __init__(self, rank: int = 1) -> None:
        super().__init__()
        self.rank = rank

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        steps = positive_exp(u[..., 1:], room=2.0 * u.shape[-1])
        return torch.cat([u[..., :1], steps], -1).cumsum(-1), total(_rest(u), self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        steps = x.diff(dim=-1).clamp_min(torch.finfo(x.dtype).tiny).log()
        u = torch.cat([x[..., :1], steps], -1)
        return u, -total(_rest(u), self.rank)


def _rest(u: Tensor) -> Tensor:
    """The entries after the first, with 0 in its place."""
    return functional.pad(u[..., 1:], (1, 0))
