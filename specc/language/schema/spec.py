"""A document together with the place of each of its keys and values in the text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Spec:
    """What the document stage hands on."""

    document: Document
    spans: Spans
    source: Source

    def path_of(self, program: str, name: str) -> Path:
        """Where a node is declared: `("model", "z")`, `("programs", "classifier", "y")`."""
        usual = program in ("model", "guide")
        return (program, name) if usual else ("programs", program, name)
