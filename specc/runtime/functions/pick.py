"""Entries of a table, where the table and the numbers of its entries may have axes before them."""

from __future__ import annotations

import torch
from torch import Tensor

from specc.runtime import number


def pick(table: Tensor, *index: Tensor | int, rank: int) -> Tensor:
    """table[..., i, j, *rest]: the entry that the whole numbers i, j, ... >= 0 name.

    `table` is [..., *axes, *rest] with an axis for each number and `rank` axes in `rest`; the axes
    before them broadcast with those of the numbers. The result is [..., *rest].
    """
    first = table.dim() - rank - len(index)
    axes, rest = table.shape[first : first + len(index)], table.shape[first + len(index) :]
    place: Tensor | int = 0
    for entry, size in zip(index, axes, strict=True):
        place = place * size + entry
    at = torch.as_tensor(place, device=table.device)
    one = table.flatten(first)[..., 0]
    leading = number.shape(one, at)
    flat = table.reshape(*table.shape[:first], -1, *rest)
    wide = at.expand(leading).reshape(*leading, 1, *(1,) * rank).expand(*leading, 1, *rest)
    return flat.expand(*leading, -1, *rest).gather(len(leading), wide).squeeze(len(leading))
