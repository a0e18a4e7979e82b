"""Sums over the axes of an event, and broadcasting over the leading axes of a context."""

from __future__ import annotations

import torch
from torch import Tensor


def total(x: Tensor, rank: int) -> Tensor:
    """The sum over the last `rank` axes; the value if `rank` is 0."""
    return x.sum(tuple(range(-rank, 0))) if rank else x


def zero_log_det(value: Tensor, rank: int) -> Tensor:
    """A log-determinant of 0 for each event of rank `rank`."""
    return value.new_zeros(value.shape[: value.ndim - rank])


def expand_to_context(value: Tensor, context: Tensor | None, rank: int) -> Tensor:
    """The value, broadcast to the leading axes of a context [..., n]."""
    if context is None:
        return value
    leading, event = value.shape[: value.ndim - rank], value.shape[value.ndim - rank :]
    shape = torch.broadcast_shapes(leading, context.shape[:-1])  # type: ignore[no-untyped-call]
    return value.expand(*shape, *event)
