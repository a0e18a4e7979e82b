"""The values of a latent at which an affine function of it is known in full."""

from __future__ import annotations

import torch
from torch import Tensor


def basis(size: int, like: Tensor) -> Tensor:
    """0 and the `size` unit vectors, [1 + size, size], of the type and on the device of `like`."""
    one = torch.eye(size, dtype=like.dtype, device=like.device)
    return torch.cat([torch.zeros_like(one[:1]), one])
