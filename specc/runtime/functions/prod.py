"""The product over an event."""

from __future__ import annotations

from torch import Tensor


def prod(value: Tensor, *, dims: int) -> Tensor:
    """The product over the last `dims` axes."""
    return value.flatten(-dims).prod(-1) if dims else value
