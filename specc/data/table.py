"""What a source gives: named columns of rows, in named parts, as compact as the file has them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Index = npt.NDArray[np.int64]

ALL = "all"
"""The part of a source that comes without a split of its own."""

CHUNK = 1 << 24
"""Bytes that are looked at in one piece, so that a look at a large file stays small."""


@dataclass(frozen=True, slots=True)
class Column:
    """The values of a field, one row each; a value in the sense of the source is `raw * factor`.

    Grey values stay bytes: `raw` is uint8 and `factor` 1/255. `names` are those of the numbers in
    a row, `classes` those of the numbers 0, 1, ... of a label. Rows of unequal length are filled up
    with zeros behind `lengths`. `chosen` are the rows of a file that is not read whole.
    `known` says where there is a value, if some may be missing; `hides` that all were there first.
    """

    raw: Array
    factor: float = 1.0
    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    lengths: Array | None = None
    chosen: Index | None = None
    known: Array | None = None
    hides: bool = False

    def __len__(self) -> int:
        return len(self.raw if self.chosen is None else self.chosen)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row."""
        return self.raw.shape[1:]

    @property
    def is_mapped(self) -> bool:
        """Whether the rows are still in their file."""
        return isinstance(self.raw, np.memmap)

    def rows(self, start: int, stop: int) -> Array:
        """The raw values of the rows from `start` to before `stop`."""
        if self.chosen is None:
            return np.asarray(self.raw[start:stop])
        return np.asarray(self.raw[self.chosen[start:stop]])

    def take(self, index: Index) -> Column:
        """The rows at `index`; of a file that is not read whole, only their numbers are kept."""
        lengths = None if self.lengths is None else self.lengths[index]
        if self.is_mapped:
            chosen = index if self.chosen is None else self.chosen[index]
            return replace(self, chosen=chosen, lengths=lengths)
        return replace(self, raw=self.raw[index], lengths=lengths)

    def chunks(self) -> Iterator[tuple[int, Array]]:
        """The number of the first row, and the raw rows, some at a time."""
        size = max(1, self.raw[:1].nbytes)
        step = max(1, CHUNK // size)
        for start in range(0, len(self), step):
            yield start, self.rows(start, start + step)


Part = Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class Table:
    """A source that was read.

    `parts` has either the one part `all`, or the parts that are published with the data (`train`,
    `test`, `valid`). `masks` are arrays of the file that a split may name. A message calls row i
    `lines[i]` where there is such a list, else `first_row + i` (a CSV file's header is line 1), and
    the file `place`. `others` are columns without numbers, with what they hold, and `names` all
    columns of the file, where some were not read.
    """

    parts: Mapping[str, Part]
    masks: Mapping[str, Array] = field(default_factory=dict)
    default_split: Mapping[str, Any] = field(default_factory=dict)
    first_row: int = 0
    lines: Sequence[int] | None = None
    place: str = ""
    others: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    def row(self, number: int) -> int:
        """What a message calls a row."""
        return self.first_row + number if self.lines is None else int(self.lines[number])


class Reader(Protocol):
    """How a source is read, given its options in the spec and the data folder."""

    def __call__(
        self,
        options: Mapping[str, Any],
        folder: Path | None,
        used: Collection[str] | None = None,
    ) -> Table:
        """The table, of which only the columns that are `used` need be read (None: all).

        Raises RunFailure E0504 to E0507, E0513.
        """


def rows(part: Part) -> int:
    """The number of rows of a part."""
    return len(next(iter(part.values()))) if part else 0


def take(part: Part, index: Index) -> dict[str, Column]:
    """The rows of `part` at `index`."""
    return {name: column.take(index) for name, column in part.items()}
