"""Diagnostics in the order of the text, one for each cause."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.source import Span


def sort_and_dedupe(findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sort by file, then place, then code, without duplicates of a code at the same place.

    Diagnostics in a long form have the place of the short name. A word of its options can occur
    several times in the long form; only its first diagnostic is returned.
    """
    first: dict[tuple[str, int, int, str], Diagnostic] = {}
    words: dict[Span, str] = {}
    for found in findings:
        origin = found.span.origin
        if origin != found.span and origin.text == found.span.text:
            words[origin] = min(found.code, words.get(origin, found.code))
        key = (origin.source.path, origin.start, origin.end, found.code)
        first.setdefault(key, _in_file(found))
    kept = (key for key, found in first.items() if words.get(found.span, found.code) == found.code)
    return [first[key] for key in sorted(kept)]


def _in_file(found: Diagnostic) -> Diagnostic:
    origin = found.span.origin
    if all(label.span.origin == label.span for label in found.labels) and origin == found.span:
        return found
    labels = tuple(replace(label, span=label.span.origin) for label in found.labels)
    fits = origin.text == found.span.text
    suggestion = found.suggestion if fits else None
    return replace(found, span=origin, labels=labels, suggestion=suggestion)
