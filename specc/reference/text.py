"""Prints an entry of the reference as plain text, for a terminal."""

from __future__ import annotations

import re
import textwrap

from specc.reference.entry import Entry, Table

WIDTH = 100
LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")


def render(entry: Entry) -> str:
    """Return an entry as plain text: formula, facts, parameters, example, source."""
    parts = [f"{entry.name}: {entry.kind}", _filled(entry.summary)]
    if entry.formula:
        parts.append("\n".join(_formula(line) for line in entry.formula.splitlines()))
    if entry.facts:
        parts.append(_filled(" ".join(entry.facts)))
    parts += [_table(table) for table in entry.tables]
    if entry.example:
        parts.append("Example:\n\n" + textwrap.indent(entry.example, "    "))
    if entry.sources:
        parts.append("Source:\n" + "\n".join(_filled(s, "    ") for s in entry.sources))
    return "\n\n".join(parts) + "\n"


def _formula(line: str) -> str:
    """Return a line of a formula, folded with a further indent if it is too long."""
    return textwrap.fill(
        line,
        WIDTH,
        initial_indent="    ",
        subsequent_indent="        ",
        break_long_words=False,
        drop_whitespace=False,
        break_on_hyphens=False,
    )


def _plain(cell: str) -> str:
    return LINK.sub(r"\1", cell).replace("`", "")


def _filled(text: str, indent: str = "") -> str:
    plain = LINK.sub(r"\1", text)
    return textwrap.fill(plain, WIDTH, initial_indent=indent, subsequent_indent=indent)


def _table(table: Table) -> str:
    """Return aligned columns, of which the last one is wrapped and empty ones are omitted."""
    shown = [i for i in range(len(table.head)) if any(row[i] for row in table.rows)]
    rows = [tuple(_plain(row[i]) for i in shown) for row in (table.head, *table.rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(shown) - 1)]
    widths = [min(width, 34) for width in widths]
    return "\n".join(line for row in rows for line in _row(row, widths))


def _row(row: tuple[str, ...], widths: list[int]) -> list[str]:
    last = max(WIDTH - sum(widths) - 2 * len(widths), 24)
    cells = [
        textwrap.wrap(cell, width, break_long_words=False) or [""]
        for cell, width in zip(row, [*widths, last], strict=True)
    ]
    lines = []
    for i in range(max(map(len, cells))):
        parts = [cell[i] if i < len(cell) else "" for cell in cells]
        padded = [part.ljust(width) for part, width in zip(parts, widths, strict=False)]
        lines.append("  ".join([*padded, parts[-1]]).rstrip())
    return lines
