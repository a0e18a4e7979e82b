"""Rows of a table, one for each index, where either may have axes of its own before it."""

from __future__ import annotations

from torch import Tensor


def take(table: Tensor, index: Tensor, event_rank: int) -> Tensor:
    """table[..., index, ...]: the entries of a plate that `index` names.

    `table` is [..., plate, *event] and `index` [..., batch] of whole numbers; their axes before
    the plate and the batch broadcast. The result is [..., batch, *event].
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
