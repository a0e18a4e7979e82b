"""The log of a sum of exponentials over an event, without overflow."""

from __future__ import annotations

from torch import Tensor


def logsumexp(value: Tensor, *, dims: int) -> Tensor:
    """Log sum exp over the last `dims` axes."""
    return value.flatten(-dims).logsumexp(-1) if dims else value
