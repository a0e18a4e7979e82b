"""The rational quadratic kernel, as a mean over several exponents.

    k(x, y) = mean over a of (1 + |x - y|^2 / (2 a h^2))^-a

(Binkowski et al. 2018, section 2.1)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def gram(x: Tensor, y: Tensor, bandwidth: float, *, alphas: Sequence[float]) -> Tensor:
    """k(x_i, y_j) of rows x [..., n, d] and y [..., m, d]: [..., n, m]."""
    squares = torch.cdist(x, y).square() / (2.0 * bandwidth * bandwidth)
    total = torch.zeros_like(squares)
    for a in alphas:
        total += (-a * (squares / a).log1p()).exp()
    return total / len(alphas)
