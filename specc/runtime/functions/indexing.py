"""Indexing of tables, with batch axes of the table and of the indices."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def gather_nd(table: Tensor, *index: Tensor | int, rank: int) -> Tensor:
    """table[..., i, j, *rest], entry by entry of the indices i, j, ... >= 0.

    `table` is [..., *axes, *rest] with an axis for each index and `rank` axes in `rest`; the batch
    axes before them broadcast with those of the indices. The result is [..., *rest], as in GatherND
    of ONNX.

    The table is flattened over its batch axes and `axes`, and is never expanded to axes that only
    the indices have.
    """
    first = table.dim() - rank - len(index)
    before, rest = table.shape[:first], table.shape[first + len(index) :]
    axes = table.shape[first : first + len(index)]
    place: Tensor | int = 0
    for entry, size in zip(index, axes, strict=True):
        place = place * size + entry
    at = torch.as_tensor(place, device=table.device)
    if math.prod(before) > 1:
        starts = torch.arange(math.prod(before), device=table.device) * math.prod(axes)
        at = at + starts.view(before)
    else:
        at = at.expand(torch.broadcast_shapes(before, at.shape))  # type: ignore[no-untyped-call]
    return table.reshape(-1, *rest).index_select(0, at.reshape(-1)).view((*at.shape, *rest))


def index_select(table: Tensor, index: Tensor, event_rank: int) -> Tensor:
    """table[..., index, ...]: the elements of a plate, at the indices.

    `table` is [..., plate, *event] and `index` [..., batch] of integers; the leading axes of both
    broadcast. The result is [..., batch, *event].
    """
    index = index.long()
    if table.dim() == event_rank + 1:
        return table[index]
    event = table.shape[table.dim() - event_rank :]
    leading = _broadcast(table.shape[: table.dim() - event_rank - 1], index.shape[:-1])
    rows = index.expand(*leading, index.shape[-1])
    wide = rows.reshape(*rows.shape, *(1,) * event_rank).expand(*rows.shape, *event)
    plate = table.shape[table.dim() - event_rank - 1]
    return table.expand(*leading, plate, *event).gather(len(leading), wide)


def _broadcast(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    longest = max(len(left), len(right))
    padded = zip(
        (1,) * (longest - len(left)) + tuple(left),
        (1,) * (longest - len(right)) + tuple(right),
        strict=True,
    )
    return tuple(max(a, b) for a, b in padded)
