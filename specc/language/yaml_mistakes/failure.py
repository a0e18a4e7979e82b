"""The place of a syntax error of the YAML parser, with its context."""

from __future__ import annotations

import re

from msgspec import Struct

from specc.diagnostics.source import Span
from specc.language.build import Builder, Frame

_LONGEST = 40


class Failure(Struct, frozen=True):
    """A syntax error at offset `at`, in the construct that starts at offset `since`."""

    builder: Builder
    problem: str
    context: str
    at: int
    since: int

    @property
    def text(self) -> str:
        """The parsed text."""
        return self.builder.text

    @property
    def char(self) -> str:
        """The character at the error; "" at the end of the text."""
        return self.text[self.at : self.at + 1]

    @property
    def line_start(self) -> int:
        """The offset of the start of the line of the error."""
        return self.text.rfind("\n", 0, self.at) + 1

    @property
    def before(self) -> str:
        """The text of the line before the error."""
        return self.text[self.line_start : self.at]

    @property
    def rest(self) -> str:
        """The text of the line from the error on, without a comment."""
        return self.line_at(self.at)

    @property
    def flow(self) -> Frame | None:
        """The innermost open `{ }` or `[ ]`, or None."""
        frames = self.builder.frames
        if not frames or not frames[-1].is_flow:
            return None
        return next(f for f in reversed(frames) if self.text[f.start : f.start + 1] in ("[", "{"))

    def line_at(self, start: int) -> str:
        """The text from `start` to the end of its line, without a comment."""
        end = self.text.find("\n", start)
        line = self.text[start : end if end >= 0 else len(self.text)]
        return re.split(r"\s#", line, maxsplit=1)[0].rstrip()

    def is_after_value(self, place: int) -> bool:
        """Whether a quoted or bracketed value ends on the line directly before `place`."""
        return self.text[self.line_start : place].rstrip()[-1:] in tuple("]}\"'")

    def span(self, start: int, end: int) -> Span:
        """A span of the source, limited to its end."""
        size = len(self.text)
        return self.builder.span(min(start, size), min(max(start, end), size))


def shortened(text: str) -> str:
    """A part of the text, cut to the length limit of messages."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
