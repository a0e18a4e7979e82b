"""Entries of the reference, which are printed as Markdown or as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from specc.catalog.entry import Reference


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; a cell is one line of Markdown, such as `` `loc` ``."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """The reference of one name.

    `kind` is its kind, such as `distribution`; `formula` has one or more lines; `facts` are
    sentences; `example` is an excerpt of a spec; `sources` are citations.
    """

    name: str
    kind: str
    summary: str
    formula: str = ""
    facts: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    example: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the reference; `name` is that of its file without the extension."""

    name: str
    title: str
    intro: str
    entries: tuple[Entry, ...]


def cited(references: Sequence[Reference]) -> tuple[str, ...]:
    """Return citations with equation or section."""
    return tuple(f"{r.cite}, {r.where}" if r.where else r.cite for r in references)


def code(text: object) -> str:
    """Return an excerpt of a spec as inline code."""
    return f"`{text}`"


def shown(value: object) -> str:
    """Return the text of a value in a spec."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return str(value)


def listed(words: Sequence[str]) -> str:
    """Return a list in a sentence: `a`, `b` and `c`."""
    *others, last = [code(word) for word in words]
    return f"{', '.join(others)} and {last}" if others else last
