"""Bijections from vectors onto Cholesky factors and positive definite matrices."""

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


class CorrCholesky(Bijection):
    """Cholesky factors of correlation matrices, from the entries below the diagonal row by row.

        x_ij = tanh(u_ij) prod_(k < j) sech(u_ik) for j < i,    x_ii = prod_(k < i) sech(u_ik)

    tanh(u_ij) is a partial correlation, and every row of x has the norm 1. u has n (n - 1) / 2
    entries, x is [..., n, n], and the determinant is that of the entries below the diagonal.
    Lewandowski, Kurowicka and Joe (2009); Stan Reference Manual, Constraint transforms,
    correlation matrices.
    """

    def __init__(self, rank: int = 2) -> None:
        super().__init__()
        self.rank = rank

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        size = (1 + math.isqrt(1 + 8 * u.shape[-1])) // 2
        rows, columns = torch.tril_indices(size, size, -1, device=u.device)
        free = u.new_zeros((*u.shape[:-1], size, size))
        free[..., rows, columns] = u
        x, log_rest = corr_cholesky_factor(free)
        log_det = 2 * log_sech(u) + log_rest[..., rows, columns]
        return x, total(log_det, self.rank - 1)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        size = x.shape[-1]
        rows, columns = torch.tril_indices(size, size, -1, device=x.device)
        # sinh(u_ij) = x_ij / |(x_i(j+1), ..., x_ii)|; the sum of squares has no cancellation.
        squares = x.tril().square().flip(-1).cumsum(-1).flip(-1)
        after = squares[..., rows, columns + 1].clamp_min(torch.finfo(x.dtype).tiny)
        u = (x[..., rows, columns] / after.sqrt()).asinh()
        _, negative = self.forward(u)
        return u, -negative


class PositiveDefinite(Bijection):
    """Positive definite matrices x = L L', with L the `LowerTriangle` of u.

    log |det dx/du| = n log 2 + sum_i (n - i + 2) log L_ii, i from 1, with respect to the lower
    triangle of x. u is [..., n (n + 1) / 2] and x is [..., n, n]. Stan Reference Manual, Constraint
    transforms, covariance matrices.
    """

    def __init__(self, rank: int = 2) -> None:
        super().__init__()
        self.rank = rank
        self.factor = LowerTriangle(rank)

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        factor, _ = self.factor(u)
        return factor @ factor.mT, self._log_det(factor)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        factor = torch.linalg.cholesky_ex(x).L
        u, _ = self.factor.inverse(factor)
        return u, -self._log_det(factor)

    def _log_det(self, factor: Tensor) -> Tensor:
        size = factor.shape[-1]
        powers = torch.arange(size + 1, 1, -1, device=factor.device)
        logarithms = factor.diagonal(dim1=-2, dim2=-1).log()
        return total(powers * logarithms + math.log(2), self.rank - 1)


def log_sech(u: Tensor) -> Tensor:
    """log(1 / cosh(u)), also where cosh(u) is too large for a number."""
    size = u.abs()
    return math.log(2) - size - torch.log1p((-2 * size).exp())


def corr_cholesky_factor(free: Tensor) -> tuple[Tensor, Tensor]:
    """The Cholesky factor of `CorrCholesky`, of the entries of `free` below the diagonal.

    Also the logarithms of the products before each entry, [..., n, n].
    """
    below = free.tril(-1)
    each = log_sech(below)  # 0 from the diagonal on
    log_rest = each.cumsum(-1) - each
    least = torch.finfo(free.dtype).tiny
    scale = log_rest.exp().clamp_min(least)
    return below.tanh() * scale + torch.diag_embed(scale.diagonal(dim1=-2, dim2=-1)), log_rest
