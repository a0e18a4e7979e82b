"""Diagnostics as a JSON array with an object for each."""

from __future__ import annotations

from collections.abc import Iterable

from specc.diagnostics.codes import CODES
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.printable import json_text
from specc.diagnostics.report import help_text, message, severity
from specc.diagnostics.source import Span


def render(findings: Iterable[Diagnostic]) -> str:
    """The indented array; offsets are numbers of characters from 0, lines and columns from 1."""
    return json_text([_finding(found) for found in findings])


def _finding(found: Diagnostic) -> dict[str, object]:
    return {
        "code": found.code,
        "name": CODES[found.code].name,
        "severity": severity(found),
        "message": message(found),
        "help": help_text(found),
        "suggestion": found.suggestion,
        **_place(found.span),
        "labels": [{**_place(label.span), "text": label.text} for label in found.labels],
    }


def _place(span: Span) -> dict[str, object]:
    end_line, end_column = span.source.position(span.end)
    return {
        "file": span.source.path,
        "line": span.line,
        "column": span.column,
        "end_line": end_line,
        "end_column": end_column,
        "start": span.start,
        "end": span.end,
    }
