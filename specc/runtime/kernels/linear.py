"""The linear kernel, k(x, y) = x . y (Gretton et al. 2012, section 2)."""

from __future__ import annotations

from torch import Tensor


def gram(x: Tensor, y: Tensor, bandwidth: float) -> Tensor:
    """k(x_i, y_j) of rows x [..., n, d] and y [..., m, d]: [..., n, m]; `bandwidth` is ignored."""
    del bandwidth
    return x @ y.mT
