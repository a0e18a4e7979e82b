"""The marked part of a source line in a diagnostic, cut to the width of a screen."""

from __future__ import annotations

import unicodedata

from msgspec import Struct

from specc.diagnostics.printable import printable
from specc.diagnostics.source import Span

WIDTH = 100
"""The maximum width of a source line; a longer line is cut around its mark."""


class Excerpt(Struct, frozen=True):
    """A line of a source with its number, and the marks under it."""

    number: int
    text: str
    before: int
    marked: int


def excerpt(span: Span) -> Excerpt:
    """The first line of a span, printable, with the screen columns of the mark."""
    number, column = span.source.position(span.start)
    line = span.source.line(number)
    start = min(column - 1, len(line))
    end = min(start + max(span.end - span.start, 1), len(line))
    left, middle, right = line[:start], line[start:end], line[end:]
    if len(middle) > WIDTH - 20:
        middle = middle[: WIDTH - 21] + "…"
    left, right = _cut(left, middle, right)
    shown = [printable(part) for part in (left, middle, right)]
    return Excerpt(number, "".join(shown), columns(shown[0]), max(columns(shown[1]), 1))


def _cut(left: str, middle: str, right: str) -> tuple[str, str]:
    """The texts before and after a mark, shortened to the width of the screen."""
    if len(left) + len(middle) + len(right) <= WIDTH:
        return left, right
    room = max(WIDTH - len(middle), 20)

    side = room // 2
    if len(left) > side:
        left = "…" + left[len(left) - side :]
    rest = max(WIDTH - len(left) - len(middle), 8)
    if len(right) > rest:
        right = right[:rest] + "…"
    return left, right


def columns(text: str) -> int:
    """The number of screen columns of a text."""
    return sum(_column(char) for char in text)


def _column(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
