"""The place where YAML's parser gave up, and what can be seen from there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from specc.diagnostics.source import Span
from specc.language.build import Builder, Frame

_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Failure:
    """Where the parser gave up: `at`, and `since`, the start of what it was reading there."""

    builder: Builder
    problem: str
    context: str
    at: int
    since: int

    @property
    def text(self) -> str:
        """The text that was read."""
        return self.builder.text

    @property
    def char(self) -> str:
        """The character at the place; empty at the end of the text."""
        return self.text[self.at : self.at + 1]

    @property
    def line_start(self) -> int:
        """Where the line of the place starts."""
        return self.text.rfind("\n", 0, self.at) + 1

    @property
    def before(self) -> str:
        """The text of the line before the place."""
        return self.text[self.line_start : self.at]

    @property
    def rest(self) -> str:
        """The text of the line from the place on, without a comment."""
        return self.line_at(self.at)

    @property
    def flow(self) -> Frame | None:
        """The innermost open `{ }` or `[ ]`."""
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
        """Whether a quoted or bracketed value ends on the line right before the place."""
        return self.text[self.line_start : place].rstrip()[-1:] in tuple("]}\"'")

    def span(self, start: int, end: int) -> Span:
        """A range of the source that is never beyond its end."""
        size = len(self.text)
        return self.builder.span(min(start, size), min(max(start, end), size))


def shortened(text: str) -> str:
    """A piece of the text, short enough for a sentence."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
