"""Prints pages of the reference as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from specc.reference.entry import Entry, Page, Table

MADE = "<!-- Made by `python -m specc.reference docs/reference`; edit the catalog instead. -->"


def render(page: Page) -> str:
    """Return a page as Markdown."""
    parts = [f"# {page.title}", MADE, page.intro.strip(), _contents(page)]
    shared = _shared(page)
    kind = ""
    for entry in page.entries:
        if entry.kind != kind and shared:
            parts.append(f"## {_plural(entry.kind)}")
        kind = entry.kind
        parts += _entry(entry, "###" if shared else "##")
    return "\n\n".join(part for part in parts if part) + "\n"


def _shared(page: Page) -> bool:
    """Whether the page has entries of several kinds, each under a separate heading."""
    return len({entry.kind for entry in page.entries}) > 1


def _contents(page: Page) -> str:
    """Return links to every entry of a page, by kind."""
    if not _shared(page):
        return _links(page.entries)
    kinds = dict.fromkeys(entry.kind for entry in page.entries)
    lines = (
        f"{_plural(kind)}: {_links(e for e in page.entries if e.kind == kind)}" for kind in kinds
    )
    return "\n\n".join(lines)


def _links(entries: Iterable[Entry]) -> str:
    return " · ".join(f"[{e.name}](#{_anchor(e.name)})" for e in entries)


def _anchor(name: str) -> str:
    return name.lower().replace(".", "")


def _plural(kind: str) -> str:
    return f"{kind.capitalize()}s"


def _entry(entry: Entry, heading: str) -> list[str]:
    parts = [f"{heading} {entry.name}", entry.summary]
    if entry.formula:
        parts.append(f"```text\n{entry.formula}\n```")
    if entry.facts:
        parts.append(" ".join(entry.facts))
    parts += [_table(table) for table in entry.tables]
    if entry.example:
        parts.append(f"```yaml\n{entry.example}\n```")
    if entry.sources:
        parts.append("Source: " + "; ".join(entry.sources) + ".")
    return parts


def _table(table: Table) -> str:
    rows = [table.head, tuple("---" for _ in table.head), *table.rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows
    )
