"""What a source gives: named columns of rows, in named parts, as compact as the file has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

ALL = "all"
"""The part of a source that comes without a split of its own."""


@dataclass(frozen=True, slots=True)
class Column:
    """The values of a field, one row each; a value in the sense of the source is `raw * factor`.

    Grey values stay bytes: `raw` is uint8 and `factor` 1/255.
    """

    raw: Array
    factor: float = 1.0


Part = Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class Table:
    """A source that was read.

    `parts` has either the one part `all`, or the parts that are published with the data (`train`,
    `test`, `valid`). `masks` are arrays of the file that a split may name. `first_row` is the
    number that a message gives to row 0 (a CSV file's header is line 1), and `place` the file.
    """

    parts: Mapping[str, Part]
    masks: Mapping[str, Array] = field(default_factory=dict)
    default_split: Mapping[str, Any] = field(default_factory=dict)
    first_row: int = 0
    place: str = ""


class Reader(Protocol):
    """How a source is read, given its options in the spec and the data folder."""

    def __call__(self, options: Mapping[str, Any], folder: Path | None) -> Table:
        """The table; raises RunFailure E0504 to E0507."""


def rows(part: Part) -> int:
    """The number of rows of a part."""
    return len(next(iter(part.values())).raw) if part else 0


def take(part: Part, index: npt.NDArray[np.int64]) -> dict[str, Column]:
    """The rows of `part` at `index`."""
    return {name: Column(c.raw[index], c.factor) for name, c in part.items()}
