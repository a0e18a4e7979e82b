"""The largest entry of an event."""

from __future__ import annotations

from torch import Tensor


def max(value: Tensor, *, dims: int) -> Tensor:
    """The maximum over the last `dims` axes."""
    return value.flatten(-dims).amax(-1) if dims else value
