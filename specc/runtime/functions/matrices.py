"""Functions of matrices; any axes may precede those of a matrix, and they broadcast."""

from __future__ import annotations

import torch
from torch import Tensor

from specc.runtime.functions.dtypes import promote_dtypes, to_float


def cholesky(matrix: Tensor) -> Tensor:
    """The factor L with L L' = A: [..., n, n]; NaN where A is not positive definite.

    An error would end a run in which a step of an optimizer or of a chain goes too far; NaN is
    skipped or rejected.
    """
    factor, failed = torch.linalg.cholesky_ex(to_float(matrix))
    return torch.where((failed > 0)[..., None, None], torch.nan, factor)


def inverse_cholesky(matrix: Tensor) -> Tensor:
    """The factor L with L L' = A^-1: [..., n, n]; NaN where A is not positive definite.

    With rows and columns in reverse order A = M M', so A^-1 = L L' for L = M'^-1 in reverse order.
    """
    flipped = cholesky(matrix.flip((-2, -1)))
    upper = flipped.flip((-2, -1)).mT
    identity = torch.eye(matrix.shape[-1], dtype=upper.dtype, device=upper.device)
    found: Tensor = torch.linalg.solve_triangular(upper, identity.expand_as(upper), upper=False)
    return found


def diagonal(matrix: Tensor) -> Tensor:
    """The diagonal A_ii: [..., n]."""
    return matrix.diagonal(dim1=-2, dim2=-1)


def logdet(matrix: Tensor) -> Tensor:
    """log det A = 2 sum_i log L_ii: [...]; NaN where A is not positive definite."""
    return 2 * diagonal(cholesky(matrix)).log().sum(-1)


def outer(left: Tensor, right: Tensor) -> Tensor:
    """x_i y_j: [..., n, m] from [..., n] and [..., m]."""
    return left.unsqueeze(-1) * right.unsqueeze(-2)


def solve(matrix: Tensor, right: Tensor, *, dims: int) -> Tensor:
    """A^-1 b: `dims` = 1 for one right side [..., n], 2 for one in each column [..., n, k]."""
    a, b = promote_dtypes(to_float(matrix), to_float(right))
    found: Tensor = torch.linalg.solve(a, b.unsqueeze(-1) if dims == 1 else b)
    return found.squeeze(-1) if dims == 1 else found


def solve_triangular(factor: Tensor, right: Tensor, *, dims: int) -> Tensor:
    """L^-1 b for a lower triangular L: `dims` as in `solve`."""
    a, b = promote_dtypes(to_float(factor), to_float(right))
    if dims == 1 and a.dim() == 2:  # all rows share L: they are the columns of one system
        columns = b.reshape(-1, b.shape[-1]).mT
        rows: Tensor = torch.linalg.solve_triangular(a, columns, upper=False).mT
        return rows.reshape(b.shape)
    found: Tensor = torch.linalg.solve_triangular(
        a, b.unsqueeze(-1) if dims == 1 else b, upper=False
    )
    return found.squeeze(-1) if dims == 1 else found


def transpose(matrix: Tensor) -> Tensor:
    """A_ji: [..., m, n] from [..., n, m]."""
    return matrix.mT
