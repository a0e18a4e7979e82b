"""Diagnostics as GitHub workflow commands, which annotate the lines of a pull request."""

from __future__ import annotations

from collections.abc import Iterable

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.printable import escaped
from specc.diagnostics.report import help_text, message, severity


def render(findings: Iterable[Diagnostic]) -> str:
    """One line `::error file=...,line=...::message` for each diagnostic."""
    return "\n".join(_command(found) for found in findings)


def _command(found: Diagnostic) -> str:
    span = found.span
    end_line, end_column = span.source.position(span.end)
    properties = {
        "file": span.source.path,
        "line": str(span.line),
        "endLine": str(end_line),
        "col": str(span.column),
        "endColumn": str(end_column),
        "title": found.code,
    }
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    advice = help_text(found)
    text = message(found) + (f"\n{advice}" if advice else "")
    return f"::{severity(found)} {listed}::{_data(text)}"


def _data(text: str) -> str:
    return escaped(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
