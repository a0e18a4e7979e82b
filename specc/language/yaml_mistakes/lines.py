"""Mistakes of lines: indentation, a missing or surplus colon, items among keys."""

from __future__ import annotations

import re

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.language.flow import CLOSING, OPENING, closing_of
from specc.language.located import Scalar
from specc.language.yaml_mistakes.brackets import entry, never_closed
from specc.language.yaml_mistakes.endings import leftover, quote_at, quote_over_lines, surplus
from specc.language.yaml_mistakes.failure import Failure, shortened

_GLUED = re.compile(r"([A-Za-z_]\w*)\s*:(\S.*)")


def second_colon(failure: Failure) -> Diagnostic:
    """A colon after something that cannot be a key."""
    last = failure.builder.last
    if failure.flow is not None:
        return entry(failure)
    if last is None or "\n" not in failure.text[last.span.start : failure.at]:
        return surplus(failure) or diagnose("E0025", failure.span(failure.at, failure.at + 1))
    if last.style in ("single", "double"):
        return quote_over_lines(failure, last)
    if _is_on_key_line(failure, last):
        start = failure.line_start + len(failure.before) - len(failure.before.lstrip())
        above, span = failure.line_at(last.span.start), failure.span(start, failure.at)
        return diagnose("E0035", span, key=shortened(span.text), above=shortened(above))
    return _no_colon(failure, last.span.start)


def _is_on_key_line(failure: Failure, value: Scalar) -> bool:
    """Whether the value is on the line of its key, or of its `-`."""
    frames = failure.builder.frames
    if not frames or not frames[-1].is_mapping:
        return bool(frames)
    entries = frames[-1].entries
    if not entries or entries[-1].value is not value:
        return False
    return "\n" not in failure.text[entries[-1].key.span.end : value.span.start]


def _no_colon(failure: Failure, start: int) -> Diagnostic:
    line = failure.line_at(start)
    span, text = failure.span(start, start + len(line)), shortened(line)
    glued = _GLUED.fullmatch(line)
    if glued:
        return diagnose("E0039", span, text=text, fix=shortened(f"{glued[1]}: {glued[2]}"))
    two = re.fullmatch(r"(\w+) +(\S+)", line)
    meant = shortened(f"{two[1]}: {two[2]}") if two else "key: value"
    fix = f"write `{meant}`, with a space after the colon"
    return diagnose("E0021", span, text=text, fix=fix)


def key_without_colon(failure: Failure) -> Diagnostic:
    """A line without a colon in the place of a key."""
    char = failure.text[failure.since : failure.since + 1]
    if char in ("{", "["):
        if closing_of(failure.text, failure.since) is None:
            return never_closed(failure, failure.since)
        found, line = f"a value in {char} {CLOSING[char]}", failure.line_at(failure.since)
        span = failure.span(failure.since, failure.since + len(line))
        return diagnose("E0029", span, found=found, expected="a key")
    if char in ("'", '"') and "\n" in failure.text[failure.since : failure.at]:
        return quote_at(failure, failure.since)
    return _no_colon(failure, failure.since)


def neither_key_nor_item(failure: Failure) -> Diagnostic:
    """Text that is neither the next key nor the next item of an open block."""
    if failure.char in ("}", "]"):
        span = failure.span(failure.at, failure.at + 1)
        return diagnose("E0028", span, found=failure.char, opening=OPENING[failure.char])
    if _is_after_end(failure):
        return diagnose("E0010", failure.span(failure.at, failure.at + 3), marker="...")
    if failure.before.strip():
        return leftover(failure, failure.at)
    columns = [frame.column for frame in failure.builder.frames if not frame.is_flow]
    if columns and columns[-1] == failure.at - failure.line_start:
        return _key_among_items(failure)
    return _indentation(failure, set(columns))


def _indentation(failure: Failure, columns: set[int]) -> Diagnostic:
    column = failure.at - failure.line_start
    columns |= {frame.column for frame in failure.builder.closed if not frame.is_flow}
    expected = sorted(columns - {column})
    if not expected:
        return leftover(failure, failure.at)
    return diagnose(
        "E0020",
        failure.span(failure.at, failure.at + len(failure.rest)),
        found=_spaces(str(column)),
        expected=_spaces(" or ".join(map(str, expected))),
    )


def _spaces(count: str) -> str:
    return "no space" if count == "0" else "1 space" if count == "1" else f"{count} spaces"


def _is_after_end(failure: Failure) -> bool:
    """Whether a line of three dots has ended the document."""
    if failure.text.startswith("...", failure.line_start):
        return True
    above = failure.text[: failure.line_start].rstrip().rpartition("\n")[2]
    return not failure.builder.frames and above.strip() == "..."


def _key_among_items(failure: Failure) -> Diagnostic:
    last = failure.builder.last
    if last is not None and last.style in ("single", "double") and "\n" in last.span.text:
        return quote_over_lines(failure, last)
    is_item = re.match(r"-(\s|$)", failure.rest) is not None
    span = failure.span(failure.at, failure.at + len(failure.rest))
    found, expected = ("an item", "a key") if is_item else ("a key", "an item with `-`")
    return diagnose("E0029", span, found=found, expected=expected)
