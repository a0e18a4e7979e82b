"""The Euclidean length of an event."""

from __future__ import annotations

import torch
from torch import Tensor

from specc.runtime.functions.real import real


def norm(value: Tensor, *, dims: int) -> Tensor:
    """The square root of the sum of squares over the last `dims` axes."""
    if not dims:
        return value.abs()
    length: Tensor = torch.linalg.vector_norm(real(value).flatten(-dims), dim=-1)
    return length
