"""The catalog entry of a data source, with its columns if they are known before it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

from msgspec import Struct, field

from specc.catalog.entry import Reference, Shape
from specc.catalog.supports import Support

NO_SPLIT: Mapping[str, float] = MappingProxyType({})

LARGEST = 1 << 20
"""The maximum height, width and number of channels of a picture."""

Kind = Literal["text", "path", "columns", "classes", "sizes", "number"]
"""The kind of value of an option: a `path` is in the data folder; `columns` has lists of columns by
name, `classes` has lists of texts by column."""


class Column(Struct, frozen=True):
    """A column of a source, which a field can name under `from:`.

    `shape` is that of one row, `support` that of its values if it is known, and `picture` the
    shape of a row as a picture: (height, width) or (channels, height, width).
    """

    summary: str
    shape: Shape
    support: Support | None
    picture: Shape | None = None


class Option(Struct, frozen=True):
    """An option of the source: a key beside `source:`.

    A text is one of the `choices` if there are any; a number is from `least` to `most`. If `part`
    is not empty, the option adds a part of the data with that name.
    """

    name: str
    summary: str
    required: bool = False
    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    least: int = 1
    most: int = LARGEST
    part: str = ""


Columns = Mapping[str, Column]
NONE: Columns = MappingProxyType({})


def unknown(options: Mapping[str, object]) -> Columns:
    """No columns: only the file determines them."""
    del options
    return NONE


class Source(Struct, frozen=True):
    """A kind of data source.

    - `fields`: the columns by name, if they are always the same.
    - `given`: the columns that follow from the options of a spec. Both are empty if only the file
      determines the columns.
    - `rows`: the sizes of the parts, if they are fixed; a source without parts has the part `all`.
    - `split`: the default split, if the spec states none.
    - `needs_folder`: the source reads files in the data folder.
    - `endings`: the endings of file names that select the source, as in `source: a.npz`.
    - `publishes`: the files can contain several parts.
    """

    name: str
    summary: str
    references: tuple[Reference, ...]
    example: str
    fields: Columns = field(default_factory=lambda: NONE)
    given: Callable[[Mapping[str, object]], Columns] = unknown
    options: tuple[Option, ...] = ()
    rows: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    split: Mapping[str, float] = field(default_factory=lambda: NO_SPLIT)
    needs_folder: bool = True
    endings: tuple[str, ...] = ()
    publishes: bool = False

    def columns(self, options: Mapping[str, object]) -> Columns:
        """The columns for these options that are known before the data are read."""
        return self.fields or self.given(options)
