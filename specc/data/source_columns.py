"""The columns of the files of a source, for a spec that is not complete yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specc.data.describe import Summary, summary
from specc.data.sources import reader
from specc.data.table import Column
from specc.runtime.fields import Field, Support

MOST = 40
"""The most columns that are listed."""


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of a part: its summary, and the names of the classes of a label."""

    part: str
    name: str
    found: Summary
    classes: tuple[str, ...]

    @property
    def shape(self) -> str:
        """The shape of a row in the syntax of a spec: `[960]`."""
        return f"[{', '.join(map(str, self.found.shape))}]"


def source_columns(
    source: str,
    options: Mapping[str, Any],
    folder: Path | None,
    used: Collection[str] | None = None,
) -> list[SourceColumn]:
    """Every column of numbers that the source has, or those that are `used`.

    Raises RunFailure: E0501, E0504 to E0507, E0513.
    """
    table = reader(source)(options, folder, used)
    found = [
        SourceColumn(part, name, summary(_plain(name, column), column), column.classes)
        for part, columns in table.parts.items()
        for name, column in columns.items()
        if column.raw.dtype.kind in "biuf"
    ]
    return found[:MOST]


def _plain(name: str, column: Column) -> Field:
    return Field(name, name, column.shape, str(column.raw.dtype), Support("any"))
