"""A document together with the place of each of its keys and values in the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from specc.diagnostics.source import Source, Span
from specc.language import located
from specc.language.schema.document import Document

Path = tuple[str | int, ...]
"""Keys, and positions in lists, from the top of the file: `("model", "z", "loc")`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key and its value stand; an item of a list is its own key."""

    key: Span
    value: Span


@dataclass(frozen=True, slots=True)
class Spans:
    """The places of a document, by path. A path that the text does not have raises KeyError."""

    places: Mapping[Path, Place]

    @classmethod
    def of(cls, root: located.Mapping) -> Spans:
        """The places of everything in a tree."""
        return cls(dict(_places((), Place(root.span, root.span), root)))

    def key(self, path: Path) -> Span:
        """The place of the key at the end of `path`."""
        return self.places[path].key

    def value(self, path: Path) -> Span:
        """The place of what stands at `path`."""
        return self.places[path].value

    def __contains__(self, path: Path) -> bool:
        """Whether the text has something at `path`."""
        return path in self.places


def _places(path: Path, own: Place, value: located.Located) -> Iterator[tuple[Path, Place]]:
    yield path, own
    if isinstance(value, located.Mapping):
        for entry in value.entries:
            below = Place(entry.key.span, entry.value.span)
            yield from _places((*path, entry.name), below, entry.value)
    elif isinstance(value, located.Sequence):
        for number, item in enumerate(value.items):
            yield from _places((*path, number), Place(item.span, item.span), item)


_PIECE = re.compile(r"[A-Za-z]\w*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Unread:
    """What could not be read, the names in each section: nobody is told of a use of it again.

    A word that cannot be a name, such as `z-1`, counts for all the names in it.
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
        """Whether there is anything that could not be read."""
        return bool(self.names)

    def holds(self, *path: str | int) -> bool:
        """Whether the part at `path`, or one that it stands in, could not be read."""
        return any(name in self.names.get(path[:length], ()) for length, name in enumerate(path))


@dataclass(frozen=True, slots=True)
class Spec:
    """What the document stage hands on; `unread` is what it could not make sense of."""

    document: Document
    spans: Spans
    source: Source
    unread: Unread = field(default_factory=Unread)

    def path_of(self, program: str, name: str) -> Path:
        """Where a node is declared: `("model", "z")`, `("programs", "classifier", "y")`."""
        return (*self.section(program), name)

    def section(self, program: str) -> Path:
        """Where the nodes of a program stand: `("model",)`, `("programs", "classifier")`."""
        return (program,) if program in ("model", "guide") else ("programs", program)

    def is_unread(self, program: str, name: str) -> bool:
        """Whether `name` may be a node of `program` that could not be read."""
        return self.unread.holds(*self.section(program), name)
