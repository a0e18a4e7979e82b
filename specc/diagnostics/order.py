"""Findings in the order of the text, one for each cause."""

from __future__ import annotations

from collections.abc import Iterable

from specc.diagnostics.diagnostic import Diagnostic


def sort_and_dedupe(findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sort by file, then place, then code; the same code at the same place is kept once."""
    first: dict[tuple[str, int, int, str], Diagnostic] = {}
    for found in findings:
        key = (found.span.source.path, found.span.start, found.span.end, found.code)
        first.setdefault(key, found)
    return [first[key] for key in sorted(first)]
