"""Named objectives, each short for an expression over the programs."""

from __future__ import annotations

from specc.catalog.objective import Objective
from specc.catalog.objectives import index
from specc.reference.entry import Entry, Page, Table, cited, code, shown
from specc.reference.values import HEAD

INTRO = """`objective:` names what training makes large. `{minimize: "..."}` takes an expression
over the programs instead, such as `{minimize: "-elbo(model, guide)"}`.
"""


def page() -> Page:
    """All of them, in alphabetical order."""
    found = tuple(entry(index.objective(name)) for name in index.names())
    return Page("objectives", "Objectives", INTRO, found)


def entry(of: Objective) -> Entry:
    """One objective."""
    rows = tuple(
        (
            code(name),
            "whole number" if isinstance(default, int) else "number",
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
