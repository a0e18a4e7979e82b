"""The rows of an epoch in order; rows with a value that others lack are spread evenly over it.

Where a hundred rows of fifty thousand have a label, batches drawn blindly mostly have none, and
some have several. Visits of rows with a value stand at equal distances among the others instead,
so that each batch has as many of them as any other, give or take one.
"""

from __future__ import annotations

import torch
from torch import Tensor

from specc.data.fields import Resident
from specc.data.load import Rows
from specc.engine.streams import Stream, order_of
from specc.runtime.noise import mix


def visits(rows: Rows) -> int:
    """How many rows an epoch visits, each as often as it does."""
    own = _divided(rows)
    if own is None or own.known is None or own.field.missing is None:
        return len(rows)
    return len(rows) + (own.field.missing.repeat - 1) * int(own.known.sum())


def order(seed: int, epoch: int, rows: Rows, device: torch.device) -> Tensor:
    """The rows that an epoch visits, in an order that depends on seed and epoch alone."""
    own = _divided(rows)
    if own is None or own.known is None or own.field.missing is None:
        return order_of(seed, epoch, len(rows), device)
    generator = torch.Generator()
    generator.manual_seed(mix(seed, Stream.ORDER, epoch))
    known = own.known.cpu()
    with_value, without = known.nonzero().flatten(), (~known).nonzero().flatten()
    again = [_mixed(with_value, generator) for _ in range(own.field.missing.repeat)]
    both = torch.cat([*again, _mixed(without, generator)])
    places = torch.cat([_places(len(both) - len(without)), _places(len(without))])
    return both[places.argsort(stable=True)].to(device)


def _divided(rows: Rows) -> Resident | None:
    """The field whose rows are to be spread: the first of which some rows have no value."""
    for own in rows.fields.values():
        if own.known is not None and own.known.ndim == 1 and not bool(own.known.all()):
            return own
    return None


def _mixed(index: Tensor, generator: torch.Generator) -> Tensor:
    return index[torch.randperm(len(index), generator=generator)]


def _places(count: int) -> Tensor:
    """Equal distances on (0, 1)."""
    return (torch.arange(count, dtype=torch.float64) + 0.5) / max(1, count)
