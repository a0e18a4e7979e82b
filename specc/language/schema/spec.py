"""A document with the spans of its keys and values in the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from msgspec import Struct, field

from specc.diagnostics.source import Source, Span
from specc.language import located
from specc.language.schema.document import Document

Path = tuple[str | int, ...]
"""The keys and list indices from the top of the file: `("model", "z", "loc")`."""


class Place(Struct, frozen=True):
    """The spans of a key and its value; an item of a list is also its key."""

    key: Span
    value: Span


class Spans(Struct, frozen=True):
    """The spans of a document by path; an unknown path raises KeyError."""

    places: Mapping[Path, Place]

    @classmethod
    def of(cls, root: located.Mapping) -> Spans:
        """The spans of all keys and values of a tree."""
        return cls(dict(_places((), Place(root.span, root.span), root)))

    def key(self, path: Path) -> Span:
        """The span of the key at `path`."""
        return self.places[path].key

    def value(self, path: Path) -> Span:
        """The span of the value at `path`."""
        return self.places[path].value

    def __contains__(self, path: Path) -> bool:
        """Whether the text has a value at `path`."""
        return path in self.places


def _places(path: Path, place: Place, value: located.Located) -> Iterator[tuple[Path, Place]]:
    yield path, place
    if isinstance(value, located.Mapping):
        for entry in value.entries:
            below = Place(entry.key.span, entry.value.span)
            yield from _places((*path, entry.name), below, entry.value)
    elif isinstance(value, located.Sequence):
        for number, item in enumerate(value.items):
            yield from _places((*path, number), Place(item.span, item.span), item)


_PIECE = re.compile(r"[A-Za-z]\w*", re.ASCII)


class Unread(Struct, frozen=True):
    """The parts that could not be read, as names by section; their uses are not reported again.

    An invalid name, such as `z-1`, counts for all names in it.
    """

    names: Mapping[Path, frozenset[str | int]] = field(default_factory=dict)

    @classmethod
    def of(cls, paths: Iterable[Path]) -> Unread:
        """The parts at these paths."""
        names: dict[Path, set[str | int]] = {}
        for *section, name in paths:
            names.setdefault(tuple(section), set()).update((name, *_PIECE.findall(str(name))))
        return cls(MappingProxyType({path: frozenset(found) for path, found in names.items()}))

    def __bool__(self) -> bool:
        """Whether any part could not be read."""
        return bool(self.names)

    def holds(self, *path: str | int) -> bool:
        """Whether the part at `path`, or one that contains it, could not be read."""
        return any(name in self.names.get(path[:length], ()) for length, name in enumerate(path))


class Spec(Struct, frozen=True):
    """The result of the document stage: the document, its spans and its unreadable parts.

    `long_form` is the text of the long form if the objective is short for several players, and
    `derived` that of the nodes of the guide which the compiler derives.
    """

    document: Document
    spans: Spans
    source: Source
    unread: Unread = field(default_factory=Unread)
    long_form: str = ""
    derived: str = ""

    def path_of(self, program: str, name: str) -> Path:
        """The path of a declaration: `("model", "z")`, `("programs", "classifier", "y")`.

        The path of a copy, such as `model.h` in the guide, is that of its original.
        """
        owner, dot, own = name.rpartition(".")
        return (*self.section(owner if dot else program), own)

    def section(self, program: str) -> Path:
        """The path of the nodes of a program: `("model",)`, `("programs", "classifier")`."""
        return (program,) if program in ("model", "guide") else ("programs", program)

    def data_path(self, source: str) -> Path:
        """The path of a source: `("data",)`, or `("data", "sources", "photos")` of several."""
        return ("data", "sources", source) if source else ("data",)

    def is_field_unread(self, field: str) -> bool:
        """Whether `field` may be a data field that could not be read."""
        paths = (self.data_path(source) for source in self.document.sources)
        several = self.unread.names.get(("data", "sources"))
        return (
            bool(several)
            or self.unread.holds("data", "fields", field)
            or any(self.unread.holds(*path, "fields", field) for path in paths)
        )

    def is_unread(self, program: str, name: str) -> bool:
        """Whether `name` may be a node of `program` that could not be read."""
        return self.unread.holds(*self.section(program), name)
