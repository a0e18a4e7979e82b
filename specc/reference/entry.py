"""An entry of the reference, before it is a page of Markdown or text on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from specc.catalog.entry import Reference


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; cells hold Markdown of one line, such as `` `loc` ``."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What the reference states of one name.

    `kind` is what it is, such as `distribution`; `formula` has a line or several; `facts` are
    sentences; an `example` is a piece of a spec; `sources` are papers.
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
    """A page of the reference: `name` is that of its file, without the ending."""

    name: str
    title: str
    intro: str
    entries: tuple[Entry, ...]


def cited(references: Sequence[Reference]) -> tuple[str, ...]:
    """Papers with the equation or section in them."""
    return tuple(f"{r.cite}, {r.where}" if r.where else r.cite for r in references)


def code(text: object) -> str:
    """A piece of a spec inside a sentence or a cell."""
    return f"`{text}`"


def shown(value: object) -> str:
    """A value as a spec writes it."""
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
    """`a`, `b` and `c`."""
    *others, last = [code(word) for word in words]
    return f"{', '.join(others)} and {last}" if others else last
