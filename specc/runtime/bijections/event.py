"""Values as events after leading axes: sums over the event, and the axes that a context brings."""

from __future__ import annotations

import torch
from torch import Tensor


def total(x: Tensor, rank: int) -> Tensor:
    """The sum over the last `rank` axes; with none, the value itself."""
    return x.sum(tuple(range(-rank, 0))) if rank else x


def nothing(value: Tensor, rank: int) -> Tensor:
    """The log-determinant 0 for each event of rank `rank`."""
    return value.new_zeros(value.shape[: value.ndim - rank])


def spread(value: Tensor, context: Tensor | None, rank: int) -> Tensor:
    """The value over the leading axes of both, where a context [..., n] has more of them."""
    if context is None:
        return value
    leading, event = value.shape[: value.ndim - rank], value.shape[value.ndim - rank :]
    shape = torch.broadcast_shapes(leading, context.shape[:-1])  # type: ignore[no-untyped-call]
    return value.expand(*shape, *event)
