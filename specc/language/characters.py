"""Checks for characters that are not allowed in a spec, before YAML parses it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Source, Span

_MOST = 10

# C0, DEL and C1 controls, surrogates, non-characters, and a byte order mark inside the text; also
# marks of the direction of text, with which the text on a screen can differ from the text that the
# compiler reads (Boucher and Anderson 2021).
UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff"
    "\u202a-\u202e\u2066-\u2069\ufeff]"
)
HIDDEN = re.compile(f"{UNSEEN.pattern}|[\x85\u2028\u2029]")
"""Characters that an escape cannot put into a value: also the line breaks of Unicode."""
# YAML 1.1 readers end a line at these; editors and `Source` do not.
_LINE_BREAK = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
_ODD_INDENT = re.compile(
    r"^[ \t]*([\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000]+)", re.MULTILINE
)
_CONFLICT = re.compile(r"^(<{7}|\|{7}|={7}|>{7})(?: [^\n]*)?\r?$", re.MULTILINE)
_CONFLICT_WORDS = {
    "|": "the common version starts here",
    "=": "the other version starts here",
    ">": "the conflict ends here",
}


def unreadable(source: Source) -> list[Diagnostic]:
    """The diagnostics of characters that prevent the parsing of the text."""
    found = [
        *_each(source, UNSEEN, "E0003"),
        *_each(source, _LINE_BREAK, "E0033"),
        *_odd_indents(source),
    ]
    return found or list(_conflicts(source))


def character_name(char: str) -> str:
    """The name of a character in messages: `U+00A0 (no-break space)`."""
    name = unicodedata.name(char, "").lower()
    return f"U+{ord(char):04X} ({name})" if name else f"U+{ord(char):04X}"


def _each(source: Source, pattern: re.Pattern[str], code: str) -> Iterator[Diagnostic]:
    for match in islice(pattern.finditer(source.text), _MOST):
        span = Span(source, match.start(), match.end())
        yield diagnose(code, span, character=character_name(match[0]))


def _odd_indents(source: Source) -> Iterator[Diagnostic]:
    for match in islice(_ODD_INDENT.finditer(source.text), _MOST):
        span = Span(source, match.start(1), match.end(1))
        yield diagnose("E0034", span, character=character_name(match[1][0]))


def _conflicts(source: Source) -> Iterator[Diagnostic]:
    opening: Span | None = None
    labels: list[Label] = []
    for match in _CONFLICT.finditer(source.text):
        mark, span = match[0][0], Span(source, match.start(), match.end(1))
        if mark == "<":
            opening, labels = span, []
        elif opening is not None:
            labels += [Label(span, _CONFLICT_WORDS[mark])] if len(labels) < _MOST else []
            if mark == ">":
                yield diagnose("E0011", opening, labels=labels)
                opening = None
    if opening is not None:
        yield diagnose("E0011", opening, labels=labels)
