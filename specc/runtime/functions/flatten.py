"""An event as a vector."""

from __future__ import annotations

from torch import Tensor


def flatten(value: Tensor, *, dims: int) -> Tensor:
    """The last `dims` axes as one; a number as a vector of one entry."""
    return value.flatten(-dims) if dims else value.unsqueeze(-1)
