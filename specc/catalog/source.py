"""What a data source says of itself: its columns, as far as they are known before it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from specc.catalog.entry import Reference, Shape
from specc.catalog.supports import Support

NO_SPLIT: Mapping[str, float] = MappingProxyType({})

LARGEST = 1 << 20
"""No picture is higher or wider than this, and none has more channels."""

Kind = Literal["text", "path", "columns", "classes", "sizes", "number"]
"""What the value of an option is: a path stays in the data folder; `columns` are lists of columns
by name, `classes` lists of texts by column."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a field may be `from:`.

    `shape` is of one row, `support` of its values where it is known, and `picture` the (height,
    width) or (channels, height, width) under which a row is a picture.
    """

    summary: str
    shape: Shape
    support: Support | None
    picture: Shape | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """An option of the source: a key beside `source:`.

    A text is one of the `choices`, where there are any; a number is from `least` to `most`. Where
    it is given, there is a `part` of that name.
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
    """The columns of a source that only the file knows."""
    del options
    return NONE


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of data.

    `fields` are its columns by name where they are always the same; `given` are those that follow
    from the options of a spec. Both are empty where only the file knows. `rows` are the
    sizes of its parts where they are fixed, `all` being the part of a source without a split of its
    own; `split` is made where the spec asks for none. `needs_folder` says that it is read from
    files in the data folder, and `endings` are those of a file that is a source by itself, as in
    `source: a.npz`. Its files may bring parts of their own where it `publishes` them.
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
        """The columns under these options, as far as they are known before anything is read."""
        return self.fields or self.given(options)
