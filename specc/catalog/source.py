"""What a data source says of itself: its columns, as far as they are known before it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from specc.catalog.entry import Reference, Shape
from specc.catalog.supports import Support

NO_SPLIT: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a field may be `from:`.

    `shape` is of one row, `support` of its values, and `picture` the (height, width) under which a
    row is a picture.
    """

    summary: str
    shape: Shape
    support: Support
    picture: Shape | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """An option of the source: a key beside `source:`."""

    name: str
    summary: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of data.

    `fields` are its columns by name; they are empty where only the file knows them. `rows` are the
    sizes of its parts where they are fixed, `all` being the part of a source without a split of its
    own; `split` is made where the spec asks for none. `needs_folder` says that it is read from
    files in the data folder.
    """

    name: str
    summary: str
    references: tuple[Reference, ...]
    example: str
    fields: Mapping[str, Column] = field(default_factory=lambda: MappingProxyType({}))
    options: tuple[Option, ...] = ()
    rows: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    split: Mapping[str, float] = field(default_factory=lambda: NO_SPLIT)
    needs_folder: bool = True
