"""Mistakes that end a value too early: inner quotes, surplus brackets, text after a value."""

from __future__ import annotations

from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.report import diagnose
from specc.language.flow import OPENING, expression_end, surplus_bracket
from specc.language.located import Scalar
from specc.language.yaml_mistakes.failure import Failure, shortened


def leftover(failure: Failure, start: int) -> Diagnostic:
    """Text after a complete value."""
    last = failure.builder.last
    if last is not None and last.style in ("single", "double"):
        if "\n" in last.span.text:
            return quote_over_lines(failure, last)
        if last.span.end == start:
            return _quote_inside(failure, last, failure.line_at(start))
    if failure.flow is None:
        bracket = surplus(failure, Label(failure.span(start, start + 1), "no bracket is open here"))
        if bracket is not None:
            return bracket
    rest = failure.text[start : _rest_end(failure, start)]
    starts_operation = rest[:1] in tuple("+-*/@[(")
    fix = "quote the value" if starts_operation else "delete it, or start a new line for it"
    return diagnose("E0036", failure.span(start, start + len(rest)), text=shortened(rest), fix=fix)


def _rest_end(failure: Failure, start: int) -> int:
    """The end of the text after a value: the end of the line or, inside brackets, of the entry."""
    end = expression_end(failure.text, start) if failure.flow else None
    return start + len(failure.line_at(start)) if end is None or end == start else end


def surplus(failure: Failure, *labels: Label) -> Diagnostic | None:
    """The unmatched closing bracket of the line, or None if all brackets match."""
    line = failure.line_at(failure.line_start)
    place = surplus_bracket(line)
    if place is None:
        return None
    start, found = failure.line_start + place, line[place]
    span = failure.span(start, start + 1)
    return diagnose("E0028", span, labels=labels, found=found, opening=OPENING[found])


def quote_over_lines(failure: Failure, quoted: Scalar) -> Diagnostic:
    """A missing closing quote, so that the text ends at a quote on a later line."""
    start, end = quoted.span.start, quoted.span.end
    label = Label(failure.span(end - 1, end), "here it ends")
    return diagnose("E0040", failure.span(start, start + 1), labels=(label,))


def _quote_inside(failure: Failure, quoted: Scalar, rest: str) -> Diagnostic:
    """A quote inside quoted text that ends it, as in `'it's'`."""
    fix = "write it twice: `''`" if quoted.style == "single" else 'write `\\"`'
    place = quoted.span.end
    label = (Label(failure.span(quoted.span.start, quoted.span.start + 1), "it starts here"),)
    span = failure.span(place - 1, place)
    return diagnose("E0041", span, labels=label, text=shortened(rest), fix=fix)


def quote_open(failure: Failure) -> Diagnostic:
    """Quoted text without an end."""
    return quote_at(failure, failure.since)


def quote_at(failure: Failure, start: int) -> Diagnostic:
    """A quote at `start` without a closing quote."""
    quote = "double" if failure.text[start : start + 1] == '"' else "single"
    return diagnose("E0019", failure.span(start, start + 1), quote=quote)


def escape(failure: Failure) -> Diagnostic:
    """A backslash in double quotes that is not an escape."""
    start = failure.text.rfind("\\", failure.since, failure.at + 1)
    start = failure.at if start < 0 else start
    found = failure.text[start : max(failure.at + 1, start + 2)]
    return diagnose("E0023", failure.span(start, start + len(found)), escape=found)
