"""The smallest entry of an event."""

from __future__ import annotations

from torch import Tensor


def min(value: Tensor, *, dims: int) -> Tensor:
    """The minimum over the last `dims` axes."""
    return value.flatten(-dims).amin(-1) if dims else value
