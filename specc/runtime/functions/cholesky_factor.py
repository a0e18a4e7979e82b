"""From a square matrix of any numbers to a Cholesky factor."""

from __future__ import annotations

from torch import Tensor


def cholesky_factor(free: Tensor) -> Tensor:
    """The lower triangle of `free` [..., n, n], with exp of its diagonal on the diagonal."""
    return free.tril(-1) + free.diagonal(dim1=-2, dim2=-1).exp().diag_embed()
