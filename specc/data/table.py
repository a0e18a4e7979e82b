"""The table that a source returns: named parts of named columns, with the dtypes of the file."""

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
"""The part of a source without published parts."""

TEXTS = "texts"
"""The option of a source that lists columns to be read as texts; it is no option of a spec."""

CHUNK = 1 << 24
"""Bytes of a chunk, so that a pass over a large file needs little memory."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a source; its values are `raw * factor`.

    Attributes:
        raw: The values in the file, [rows, *shape]; grey values are uint8.
        factor: The factor of raw values, such as 1/255.
        names: The names of the numbers in a row.
        classes: The names of the numbers 0, 1, ... of a label.
        lengths: The lengths of rows of unequal length, which are padded with zeros.
        chosen: The indices of the rows of a memory-mapped file.
        known: The mask of values, if some may be missing.
        hides: Whether all missing values are hidden ones.

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
        """The rows at `index`; a memory-mapped column stores their indices alone."""
        lengths = None if self.lengths is None else self.lengths[index]
        if self.is_mapped:
            chosen = index if self.chosen is None else self.chosen[index]
            return replace(self, chosen=chosen, lengths=lengths)
        return replace(self, raw=self.raw[index], lengths=lengths)

    def chunks(self) -> Iterator[tuple[int, Array]]:
        """Chunks of rows: the number of the first row, and the raw rows."""
        size = max(1, self.raw[:1].nbytes)
        step = max(1, CHUNK // size)
        for start in range(0, len(self), step):
            yield start, self.rows(start, start + step)


Part = Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class Table:
    """The content of a source.

    Attributes:
        parts: The part `all`, or the parts published with the data (`train`, `test`, `valid`).
        masks: Arrays of the file that a split may name.
        default_split: The split of a spec without one.
        first_row: The number of row 0 in messages, if there are no `lines`.
        lines: The line of each row in a text file, for messages.
        place: The name of the file in messages.
        others: Columns without numbers, with their content in words.
        names: All columns of the file, if some were not read.

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
        """The number of a row in messages."""
        return self.first_row + number if self.lines is None else int(self.lines[number])


class Reader(Protocol):
    """The function that reads a source, with its options in the spec and the data folder."""

    def __call__(
        self,
        options: Mapping[str, Any],
        folder: Path | None,
        used: Collection[str] | None = None,
    ) -> Table:
        """The table; only the `used` columns must be read (None: all).

        Raises RunFailure E0504 to E0507, E0513.
        """


def rows(part: Part) -> int:
    """The number of rows of a part."""
    return len(next(iter(part.values()))) if part else 0


def take(part: Part, index: Index) -> dict[str, Column]:
    """The rows of `part` at `index`."""
    return {name: column.take(index) for name, column in part.items()}
