"""Draws: how the value of a random node comes about, and with it the gradient."""

from __future__ import annotations

from specc.catalog.draws import index
from specc.catalog.objective import Draw
from specc.reference.entry import Entry, Page, Table, cited, code
from specc.reference.values import HEAD

INTRO = """`draw:` at a latent chooses how its value comes about; without it the compiler chooses,
and `specc explain SPEC` states the reason. `missing:` at an observed node takes the same words for
the rows and entries that have no value.
"""
NEEDS = {
    "needs_reparameterized": "a distribution whose draws carry gradients",
    "needs_finite": "a node with finitely many values",
    "needs_continuous": "a continuous node",
    "needs_gaussian": "a normal node",
}


def page() -> Page:
    """All of them, in alphabetical order."""
    return Page("draws", "Draws", INTRO, tuple(entry(index.draw(name)) for name in index.names()))


def entry(of: Draw) -> Entry:
    """One draw."""
    needs = [words for trait, words in NEEDS.items() if getattr(of, trait)]
    facts = [f"It needs {' and '.join(needs)}."] if needs else []
    if of.leaves_out:
        facts.append("It also serves as `missing:`, where nothing is drawn.")
    tables: tuple[Table, ...] = ()
    if of.option:
        choices = ", ".join(code(choice) for choice in of.options)
        row = (code(of.option), choices, code(of.options[0]), of.meaning)
        tables = (Table(HEAD, (row,)),)
    return Entry(
        name=of.name,
        kind="draw",
        summary=of.summary,
        formula=of.formula,
        facts=tuple(facts),
        tables=tables,
        example=of.example,
        sources=cited(of.references),
    )
