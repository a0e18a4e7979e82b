"""Source texts, and spans: half-open ranges of characters."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from specc.diagnostics.printable import named


@dataclass(frozen=True, slots=True)
class Source:
    """A text with its name in diagnostics: a path, or `--set` for an argument."""

    path: str
    text: str = field(repr=False)
    line_starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [0]
        starts.extend(i + 1 for i, char in enumerate(self.text) if char == "\n")
        object.__setattr__(self, "line_starts", tuple(starts))

    @property
    def name(self) -> str:
        """The path for messages: in one line, with escapes for invisible characters."""
        return named(self.path)

    def origin(self, span: Span) -> Span:
        """The span in the file: the same one."""
        return span

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its line ending."""
        start = self.line_starts[number - 1]
        end = self.line_starts[number] if number < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of the character at `offset`."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1


@dataclass(frozen=True, slots=True)
class LongForm(Source):
    """The text of the long form of a short name in a file.

    `name_span` is the span of the short name, and `words` has the spans of words from its options.
    """

    name_span: Span
    words: Mapping[str, Span] = field(compare=False)

    def origin(self, span: Span) -> Span:
        """The span of the word in the options if it is from there, or that of the short name."""
        return self.words.get(span.text, self.name_span)


class Span(Struct, frozen=True):
    """The characters `start <= i < end` of a source."""

    source: Source
    start: int
    end: int

    @property
    def origin(self) -> Span:
        """The span in a file; for a long form, that of the short name or of its options."""
        return self.source.origin(self)

    @property
    def line(self) -> int:
        """The line of the first character, from 1."""
        origin = self.origin
        return origin.source.position(origin.start)[0]

    @property
    def column(self) -> int:
        """The column of the first character, from 1, in characters."""
        origin = self.origin
        return origin.source.position(origin.start)[1]

    @property
    def text(self) -> str:
        """The characters themselves."""
        return self.source.text[self.start : self.end]

    def sub(self, start: int, end: int) -> Span:
        """The span from `start` to `end`, relative to the start of this span."""
        return Span(self.source, self.start + start, self.start + end)
