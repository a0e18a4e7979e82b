"""The batches of a run, as a function of seed, epoch and step.

One source: an epoch is a permutation of its rows, cut into batches. Several sources, whose rows are
not paired: the rows of each are an endless sequence of permutations of their own, cut into batches
of equal size,

    batch T of source s = rows T b_s, ..., (T + 1) b_s - 1 of the sequence of s,

where T counts the steps of the run. An epoch is the number of steps in which the source with the
most batches is visited once, max over s of ceil(n_s / b_s); the others begin again with another
permutation as soon as they end.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.data.load import RowIndex, Rows
from specc.data.unpaired import Unpaired
from specc.engine.order.row_order import batches, row_order, rows_per_epoch

KEPT = 4
"""The permutations of a source that are kept, for the batches of several updates of a step."""


def steps_per_epoch(rows: Rows | Unpaired, size: int) -> int:
    """The steps of an epoch; of one source a batch has `size` rows."""
    if not isinstance(rows, Unpaired):
        return -(-rows_per_epoch(rows) // size)
    pairs = zip(rows.sources, rows.sizes, strict=True)
    return max(-(-rows_per_epoch(own) // of_batch) for own, of_batch in pairs)


class PairedOrder:
    """The batches of one source."""

    def __init__(self, rows: Rows, size: int, seed: int, device: torch.device) -> None:
        self.rows, self.size, self.seed, self.device = rows, size, seed, device
        self.per_epoch = steps_per_epoch(rows, size)
        self._known: tuple[int, Tensor] | None = None

    def _order(self, epoch: int) -> Tensor:
        if self._known is None or self._known[0] != epoch:
            self._known = epoch, row_order(self.seed, epoch, self.rows, self.device)
        return self._known[1]

    def batches(self, epoch: int, step: int, updates: int) -> Sequence[RowIndex]:
        """The rows of a step of an epoch, for each of its updates."""
        return batches(self._order(epoch), self.size, step, updates)

    def first(self) -> RowIndex:
        """The rows of the first batch."""
        return self._order(0)[: self.size]


class UnpairedOrder:
    """The batches of several sources."""

    def __init__(self, rows: Unpaired, seed: int, device: torch.device) -> None:
        self.rows, self.seed, self.device = rows, seed, device
        self.lengths = [rows_per_epoch(own) for own in rows.sources]
        self.per_epoch = steps_per_epoch(rows, 1)
        self._known: list[dict[int, Tensor]] = [{} for _ in rows.sources]

    def batches(self, epoch: int, step: int, updates: int) -> Sequence[RowIndex]:
        """The rows of a step, for each of its updates, as `row_order.batches` assigns them."""
        count = self.per_epoch
        steps = [(step + k * count // updates) % count for k in range(updates)]
        return [self._batch(epoch * count + each) for each in steps]

    def first(self) -> RowIndex:
        """The rows of the first batch."""
        return self._batch(0)

    def _batch(self, number: int) -> RowIndex:
        return tuple(self._rows(source, number) for source in range(len(self.rows.sources)))

    def _rows(self, source: int, number: int) -> Tensor:
        """The rows of one source in a batch."""
        length, size = self.lengths[source], self.rows.sizes[source]
        at, end = number * size, (number + 1) * size
        pieces = []
        while at < end:
            cycle, first = divmod(at, length)
            last = min(length, first + end - at)
            pieces.append(self._order(source, cycle)[first:last])
            at += last - first
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)

    def _order(self, source: int, cycle: int) -> Tensor:
        known = self._known[source]
        if cycle not in known:
            if len(known) >= KEPT:
                del known[min(known)]
            rows = self.rows.sources[source]
            known[cycle] = row_order(self.seed, cycle, rows, self.device, source)
        return known[cycle]


BatchOrder = PairedOrder | UnpairedOrder


def batch_order(rows: Rows | Unpaired, size: int, seed: int, device: torch.device) -> BatchOrder:
    """The order of the batches of the rows; of one source a batch has `size` rows."""
    if isinstance(rows, Unpaired):
        return UnpairedOrder(rows, seed, device)
    return PairedOrder(rows, size, seed, device)
