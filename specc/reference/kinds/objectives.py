"""The reference of named objectives."""

from __future__ import annotations

from specc.catalog.objective import Objective
from specc.catalog.registry import OBJECTIVES, SHORTHANDS
from specc.catalog.shorthand import Shorthand
from specc.reference.entry import Entry, Page, Table, cited, code, shown
from specc.reference.kinds.metrics import named
from specc.reference.values import HEAD, options

INTRO = """`objective:` names the function that training maximizes. `{minimize: "..."}` is an
expression to minimize instead, such as `{minimize: "-elbo(model, guide)"}`. Some objectives are
short for several players; `specc explain SPEC` shows their long form, which a spec can contain.
"""


def page() -> Page:
    """Return the page of all objectives, in alphabetical order."""
    found = [*map(entry, OBJECTIVES.values()), *map(shorthand, SHORTHANDS.values())]
    found.sort(key=lambda one: one.name)
    return Page("objectives", "Objectives", INTRO, tuple(found))


def entry(of: Objective) -> Entry:
    """Return the entry of an objective."""
    rows = tuple(
        (
            code(name),
            _values(of, name),
            code(shown(default)),
            of.meanings[name],
        )
        for name, default in of.options.items()
    )
    fact = "It needs a guide for the latents." if of.guided else "It uses no guide."
    return Entry(
        name=of.name,
        kind="objective",
        summary=f"{of.title[0].upper()}{of.title[1:]}. {of.summary}",
        formula=of.formula,
        facts=(fact,),
        tables=(Table(HEAD, rows),) if rows else (),
        example=of.example,
        sources=cited(of.references),
    )


def _values(of: Objective, name: str) -> str:
    """Return the values of an option in words."""
    if name in of.words:
        return " or ".join(code(word) for word in of.words[name])
    return "integer" if isinstance(of.options[name], int) else "number"


def shorthand(of: Shorthand) -> Entry:
    """Return the entry of an objective that is short for several players."""
    tables = tuple(
        Table(table.head, tuple(named(of, row) for row in table.rows))
        for table in options(of.Options)
        if table.rows
    )
    return Entry(
        name=of.name,
        kind="objective",
        summary=f"{of.title[0].upper()}{of.title[1:]}. {of.summary}",
        formula=of.formula,
        facts=("It is short for several players.",),
        tables=tables,
        example=of.example,
        sources=cited(of.references),
    )
