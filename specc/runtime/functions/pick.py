"""Entries of a table, where the table and the numbers of its entries may have axes before them."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def pick(table: Tensor, *index: Tensor | int, rank: int) -> Tensor:
    """table[..., i, j, *rest]: the entry that the whole numbers i, j, ... >= 0 name.

    `table` is [..., *axes, *rest] with an axis for each number and `rank` axes in `rest`; the axes
    before them broadcast with those of the numbers. The result is [..., *rest].

    The table is read as one list of entries, those of each of its own leading axes after another,
    and is never repeated for the axes that the numbers alone have.
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
    return table.reshape(-1, *rest).index_select(0, at.reshape(-1)).view(*at.shape, *rest)
