"""A text that was read, and half-open ranges of characters in it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from specc.diagnostics.printable import named


@dataclass(frozen=True, slots=True)
class Source:
    """One text with the name it is reported under: a path, or `--set` for an argument."""

    path: str
    text: str
    line_starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [0]
        starts.extend(i + 1 for i, char in enumerate(self.text) if char == "\n")
        object.__setattr__(self, "line_starts", tuple(starts))

    @property
    def name(self) -> str:
        """The path as it is printed: in one line, with escapes for what cannot be seen."""
        return named(self.path)

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
class Span:
    """The characters `start <= i < end` of a source."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        """The line of the first character, from 1."""
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        """The column of the first character, from 1, in characters."""
        return self.source.position(self.start)[1]

    @property
    def text(self) -> str:
        """The characters themselves."""
        return self.source.text[self.start : self.end]

    def sub(self, start: int, end: int) -> Span:
        """The range from `start` to `end` counted from this span's own start."""
        return Span(self.source, self.start + start, self.start + end)
