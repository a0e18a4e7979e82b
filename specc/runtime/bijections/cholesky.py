"""The bijection from vectors onto lower-triangular matrices with a positive diagonal."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.event import total
from specc.runtime.number import positive_exp


class LowerTriangle(Bijection):
    """The lower triangle row by row, with exp of the diagonal: log |det dx/du| = sum of log x_ii.

    u is [..., n (n + 1) / 2] and x is [..., n, n]; the event of x has `rank` axes, and the last two
    are those of the matrix. Stan Reference Manual, Constraint transforms, Cholesky factors.
    """

    def __init__(self, rank: int = 2) -> None:
        super().__init__()
        self.rank = rank

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        size = math.isqrt(2 * u.shape[-1])
        rows, columns = torch.tril_indices(size, size, device=u.device)
        x = u.new_zeros((*u.shape[:-1], size, size))
        x[..., rows, columns] = torch.where(rows == columns, positive_exp(u), u)
        return x, total(torch.where(rows == columns, u, 0.0), self.rank - 1)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        size = x.shape[-1]
        rows, columns = torch.tril_indices(size, size, device=x.device)
        entries = x[..., rows, columns]
        # A logarithm of the entries below the diagonal would spoil their gradients.
        logarithms = torch.where(rows == columns, entries, 1.0).log()
        u = torch.where(rows == columns, logarithms, entries)
        return u, -total(logarithms, self.rank - 1)
