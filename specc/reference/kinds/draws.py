"""The reference of draws: how a random node gets its value, and its gradient."""

from __future__ import annotations

from specc.catalog.objective import Draw
from specc.catalog.registry import DRAWS
from specc.reference.entry import Entry, Page, Table, cited, code
from specc.reference.values import HEAD

INTRO = """`draw:` of a latent names its gradient estimator; by default the compiler chooses it, and
`specc explain SPEC` states the reason. `missing:` of an observed node accepts the same words for
rows and entries without a value.
"""
NEEDS = {
    "needs_reparameterized": "a reparameterized distribution",
    "needs_finite": "a node with finitely many values",
    "needs_continuous": "a continuous node",
    "needs_gaussian": "a normal node",
}


def page() -> Page:
    """Return the page of all draws, in alphabetical order."""
    return Page("draws", "Draws", INTRO, tuple(map(entry, DRAWS.values())))


def entry(of: Draw) -> Entry:
    """Return the entry of a draw."""
    needs = [words for trait, words in NEEDS.items() if getattr(of, trait)]
    facts = [f"It needs {' and '.join(needs)}."] if needs else []
    if of.marginalizes:
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
