"""The rows of several sources that are not paired: a batch has a number of rows of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from specc.data.load import Batch, RowIndex, Rows
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.noise import Noise


@dataclass(frozen=True, slots=True)
class Unpaired:
    """The rows of one part in every source, and how many of each a batch has."""

    sources: tuple[Rows, ...]
    sizes: tuple[int, ...]

    def __len__(self) -> int:
        return sum(len(rows) for rows in self.sources)

    @property
    def count(self) -> int:
        """The number of all rows of the part."""
        return sum(rows.count for rows in self.sources)

    def batch(self, index: RowIndex, noise: Noise) -> Batch:
        """The fields of the rows at `index`, each [rows of its source, *shape]."""
        assert isinstance(index, tuple)
        found: Batch = {}
        for rows, own in zip(self.sources, index, strict=True):
            found |= rows.batch(own, noise)
        return found

    def observed_fractions(self, visits: bool = False) -> dict[str, float]:
        """The fraction of known values, of each field that allows missing values."""
        found: dict[str, float] = {}
        for rows in self.sources:
            found |= rows.observed_fractions(visits)
        return found

    def micro_batches(self, index: RowIndex, pieces: int) -> list[tuple[RowIndex, float]]:
        """The micro-batches, each with its fraction of the batch, which is equal in every source.

        Raises RunFailure: E0826, if the rows of a source cannot be divided equally, since the mean
        over the batch would not be that of the means over the micro-batches.
        """
        assert isinstance(index, tuple)
        for own in index:
            if isinstance(own, Tensor) and len(own) % pieces:
                message = f"a batch of {len(own)} rows cannot be split into {pieces} equal parts"
                hint = "with several sources `batch_size` is a multiple of the micro-batches"
                raise RunFailure("E0826", message, hint=hint, exit_code=USAGE)
        split = [own.tensor_split(pieces) for own in index if isinstance(own, Tensor)]
        return [(piece, 1 / pieces) for piece in zip(*split, strict=True)]

    def is_full(self, size: int) -> bool:
        """Whether every batch has the same number of rows: always, since rows come again."""
        del size
        return True

    def example(self, size: int, device: torch.device) -> RowIndex:
        """The rows of a batch, for a trial of the step."""
        del size
        pairs = zip(self.sources, self.sizes, strict=True)
        places = ((rows, torch.arange(n, device=device) % len(rows)) for rows, n in pairs)
        return tuple(rows.numbers(each) for rows, each in places)

    def slices(self, size: int) -> Iterator[tuple[int, RowIndex, float]]:
        """All rows in order: a number, the rows, and the weight of each slice, 1/M of M.

        A source that has fewer rows than there are slices gives one row to each.
        """
        del size
        pairs = list(zip(self.sources, self.sizes, strict=True))
        count = max(-(-len(rows) // n) for rows, n in pairs)
        for number in range(count):
            starts = [len(rows) * number // count for rows in self.sources]
            stops = [len(rows) * (number + 1) // count for rows in self.sources]
            ends = zip(starts, stops, strict=True)
            each = zip(self.sources, ends, strict=True)
            found = (rows.between(a, max(b, a + 1)) for rows, (a, b) in each)
            yield number, tuple(found), 1 / count
