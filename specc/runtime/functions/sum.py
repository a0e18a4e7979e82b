"""The sum over an event."""

from __future__ import annotations

from torch import Tensor


def sum(value: Tensor, *, dims: int) -> Tensor:
    """The sum over the last `dims` axes."""
    return value.flatten(-dims).sum(-1) if dims else value
