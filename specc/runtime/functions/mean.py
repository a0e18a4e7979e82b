"""The mean over an event."""

from __future__ import annotations

from torch import Tensor

from specc.runtime.functions.real import real


def mean(value: Tensor, *, dims: int) -> Tensor:
    """The mean over the last `dims` axes."""
    return real(value).flatten(-dims).mean(-1) if dims else real(value)
