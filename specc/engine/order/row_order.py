"""The order of rows in an epoch, with labelled rows spread evenly over it.

If a hundred rows of fifty thousand have a label, most batches of a random permutation have none,
and some have several. Rows with a value are therefore placed at equal distances among the others,
so that the numbers of them in two batches differ by one at most.
"""

from __future__ import annotations

import torch
from torch import Tensor

from specc.data.fields import FieldRows
from specc.data.load import Rows
from specc.engine.order.streams import order_generator, order_of


def rows_per_epoch(rows: Rows) -> int:
    """The length of an epoch in rows, each counted as often as the epoch visits it."""
    own = _divided(rows)
    if own is None or own.known is None or own.field.missing is None:
        return len(rows)
    return len(rows) + (own.field.missing.repeat - 1) * int(rows.known(own).sum())


def row_order(seed: int, epoch: int, rows: Rows, device: torch.device, source: int = 0) -> Tensor:
    """The numbers of the rows of an epoch, in an order that depends on the counters alone."""
    own = _divided(rows)
    if own is None or own.known is None or own.field.missing is None:
        return rows.numbers(order_of(seed, epoch, len(rows), device, source))
    generator = order_generator(seed, epoch, source)
    known = rows.known(own).cpu()
    with_value, without = known.nonzero().flatten(), (~known).nonzero().flatten()
    again = [_mixed(with_value, generator) for _ in range(own.field.missing.repeat)]
    both = torch.cat([*again, _mixed(without, generator)])
    places = torch.cat([_places(len(both) - len(without)), _places(len(without))])
    return rows.numbers(both[places.argsort(stable=True)].to(device))


def batches(order: Tensor, size: int, step: int, updates: int) -> list[Tensor]:
    """The indices of the rows of step `step` of an epoch, for each of its updates.

    Update k of u is on batch (step + floor(k m / u)) mod m of the m batches of the epoch. So every
    update visits each row once an epoch, and in m >= u the updates of a step are on different rows.
    """
    count = -(-len(order) // size)
    starts = [(step + k * count // updates) % count * size for k in range(updates)]
    return [order[start : start + size] for start in starts]


def _divided(rows: Rows) -> FieldRows | None:
    """The first field that some rows have no value of, whose rows are spread evenly."""
    for own in rows.fields.values():
        if own.known is not None and own.known.ndim == 1 and not bool(rows.known(own).all()):
            return own
    return None


def _mixed(index: Tensor, generator: torch.Generator) -> Tensor:
    return index[torch.randperm(len(index), generator=generator)]


def _places(count: int) -> Tensor:
    """Points of equal distance on (0, 1)."""
    return (torch.arange(count, dtype=torch.float64) + 0.5) / max(1, count)
