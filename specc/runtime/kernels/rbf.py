"""The Gaussian kernel, as a mean over several widths.

    k(x, y) = mean over w of exp(-|x - y|^2 / (2 w^2 h^2))

(Gretton et al. 2012, section 8; Li, Swersky and Zemel 2015, section 2.1)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def gram(x: Tensor, y: Tensor, bandwidth: float, *, widths: Sequence[float]) -> Tensor:
    """k(x_i, y_j) of rows x [..., n, d] and y [..., m, d]: [..., n, m]."""
    squares = torch.cdist(x, y).square() / (2.0 * bandwidth * bandwidth)
    total = torch.zeros_like(squares)
    for w in widths:
        total += (-squares / (w * w)).exp()  # w**2 raises an error where w * w is inf
    return total / len(widths)
