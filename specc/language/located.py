"""The values in the text of a spec: scalars, mappings and sequences with their spans."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from specc.diagnostics.source import Span
from specc.language.offsets import source_offsets

Style = Literal["plain", "single", "double", "literal", "folded"]
TagKind = Literal["null", "bool", "int", "float", "str"]


class Scalar(Struct, frozen=True):
    """A single value: a word, a number, true, false, or null.

    `span` includes the quotes, and is empty for a missing value. The `tag_kind` of a quoted scalar
    is always "str".
    """

    value: str | int | float | bool | None
    span: Span
    style: Style
    tag_kind: TagKind

    @property
    def text(self) -> str:
        """The text of the value without quotes and escapes, not converted to a number."""
        return self.value if isinstance(self.value, str) else self.span.text

    def at(self, start: int, end: int) -> Span:
        """The span in the source of the characters `start <= i < end` of `text`.

        It is exact but for a text over several lines with escapes, where it is the span of the
        scalar.
        """
        offsets = source_offsets(self.span.text, self.style, self.text)
        if offsets is None:
            return self.span
        last = len(offsets) - 1
        left = min(max(start, 0), last)
        right = min(max(end, left), last)
        return self.span.sub(offsets[left], offsets[right])


class Entry(Struct, frozen=True):
    """A key of a mapping with its value."""

    key: Scalar
    value: Located

    @property
    def name(self) -> str:
        """The key as a word; the text stage reports all other keys."""
        return self.key.text


class Mapping(Struct, frozen=True):
    """Distinct keys with their values, in the order of the text."""

    entries: tuple[Entry, ...]
    span: Span

    def get(self, name: str) -> Located | None:
        """The value of a key, or None."""
        return next((entry.value for entry in self.entries if entry.name == name), None)


class Sequence(Struct, frozen=True):
    """A list of values."""

    items: tuple[Located, ...]
    span: Span


Located = Scalar | Mapping | Sequence
