"""The reference of sources of data: files, columns, options."""

from __future__ import annotations

from specc.catalog.registry import SOURCES
from specc.catalog.source import Option, Source
from specc.catalog.supports import describe
from specc.reference.entry import Entry, Page, Table, cited, code, shown
from specc.reference.values import HEAD

INTRO = """`data: {source: csv, path: a.csv, ...}` reads rows; `fields:` names the columns that the
model uses. Files are in the folder of `--data-dir`. [Keys of a spec](spec.md) describes the
transformations of a field (`standardize`, `binarize`, `one_hot`, ...).
"""
KINDS = {
    "text": "text",
    "path": "a path in the data folder",
    "columns": "lists of columns by name",
    "classes": "lists of texts by column",
    "sizes": "list of integers",
    "number": "integer",
}


def page() -> Page:
    """Return the page of all sources, in alphabetical order."""
    found = tuple(map(entry, SOURCES.values()))
    return Page("sources", "Sources", INTRO, found)


def entry(of: Source) -> Entry:
    """Return the entry of a source."""
    return Entry(
        name=of.name,
        kind="source",
        summary=of.summary,
        facts=_facts(of),
        tables=(*_columns(of), *_options(of)),
        example=of.example,
        sources=cited(of.references),
    )


def _facts(of: Source) -> tuple[str, ...]:
    facts = ["It reads files in the data folder." if of.needs_folder else "It needs no file."]
    if of.endings:
        endings = " or ".join(code(f".{ending}") for ending in of.endings)
        facts.append(f"A file that ends in {endings} is such a source by itself.")
    if of.rows:
        parts = ", ".join(f"{name} {count:,}" for name, count in of.rows.items())
        facts.append(f"Rows: {parts}.")
    if of.split:
        shares = ", ".join(f"{name} {share:g}" for name, share in of.split.items())
        facts.append(f"Without `split:` the parts are: {shares} of the rows, the rest `train`.")
    return tuple(facts)


def _columns(of: Source) -> tuple[Table, ...]:
    rows = tuple(
        (
            code(name),
            shown(list(column.shape)) or "[]",
            describe(column.support) if column.support else "what the file has",
            column.summary,
        )
        for name, column in of.fields.items()
    )
    return (Table(("column", "shape", "values", "meaning"), rows),) if rows else ()


def _options(of: Source) -> tuple[Table, ...]:
    rows = tuple(
        (code(o.name), _values(o), "required" if o.required else "", o.summary) for o in of.options
    )
    return (Table(HEAD, rows),) if rows else ()


def _values(option: Option) -> str:
    if option.choices:
        return ", ".join(code(choice) for choice in option.choices)
    return KINDS[option.kind] + (f" >= {option.least}" if option.kind == "number" else "")
