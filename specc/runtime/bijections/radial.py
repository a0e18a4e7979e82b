"""Radial flows: a vector moves towards a point, or away from it.

Rezende and Mohamed (2015), Variational inference with normalizing flows, eq. 14 and A.2.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.conditional_parameter import STILL, ConditionalParameter


class Radial(Bijection):
    """x = u + b (u - c) / (a + r), r = |u - c|, for vectors of `size` entries.

    With q = b / (a + r), log |det dx/du| = (size - 1) log(1 + q) + log(1 + q a / (a + r)). Both
    arguments are positive because b > -a (A.2): a = softplus(.), b = softplus(.) - a. The
    parameters c, a and b are learnt, or affine functions of a context. The inverse has a closed
    form: r is the positive root of r^2 + (a + b - |x - c|) r = a |x - c|.
    """

    def __init__(self, size: int, context: int = 0) -> None:
        super().__init__()
        self.size = size
        start = torch.cat([torch.randn(size), torch.full((2,), STILL)])
        self.parameter = ConditionalParameter(start, context)

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        c, a, b = self._of(context)
        r = torch.linalg.vector_norm(u - c, dim=-1)
        q = b / (a + r)
        return u + q[..., None] * (u - c), self._log_det(q, a, r)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        c, a, b = self._of(context)
        far = torch.linalg.vector_norm(x - c, dim=-1)
        r = _positive_root(a + b - far, a * far)
        q = b / (a + r)
        return c + (x - c) / (1 + q)[..., None], -self._log_det(q, a, r)

    def _log_det(self, q: Tensor, a: Tensor, r: Tensor) -> Tensor:
        return (self.size - 1) * torch.log1p(q) + torch.log1p(q * a / (a + r))

    def _of(self, context: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        c, a, b = self.parameter(context).split_with_sizes([self.size, 1, 1], -1)
        a = functional.softplus(a)
        return c, a[..., 0], (functional.softplus(b) - a)[..., 0]


def _positive_root(p: Tensor, q: Tensor) -> Tensor:
    """The root r >= 0 of r^2 + p r = q, q >= 0, without cancellation."""
    far = p.abs() + (p.square() + 4 * q).sqrt()
    return torch.where(p > 0, 2 * q / far, far / 2)
