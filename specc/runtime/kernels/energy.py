"""The distance kernel, whose discrepancy is the energy distance.

    k(x, y) = |x|^b + |y|^b - |x - y|^b

(Szekely and Rizzo 2013, section 2; Sejdinovic et al. 2013, theorem 22)
"""

from __future__ import annotations

import torch
from torch import Tensor


def gram(x: Tensor, y: Tensor, bandwidth: float, *, exponent: float) -> Tensor:
    """k(x_i, y_j) of rows x [..., n, d] and y [..., m, d]: [..., n, m]; `bandwidth` is ignored."""
    del bandwidth
    first, second = x.norm(dim=-1)[..., :, None], y.norm(dim=-1)[..., None, :]
    found: Tensor = first.pow(exponent) + second.pow(exponent) - torch.cdist(x, y).pow(exponent)
    return found
