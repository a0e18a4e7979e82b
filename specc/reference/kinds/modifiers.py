"""The reference of modifiers: what they make of a distribution, and their parameters."""

from __future__ import annotations

from specc.catalog.modifier import Modifier
from specc.catalog.registry import DISTRIBUTIONS, MODIFIERS
from specc.catalog.supports import describe
from specc.reference.entry import Entry, Page, Table, cited, code, listed, shown

HEAD = ("parameter", "support", "shape of an event", "default", "meaning")
INTRO = """A modifier makes a distribution from another one, and is written like a function of it,
as in `truncated(normal)`. The node has the parameters of both.
[Truncation, censoring, zero inflation](../distributions.md) explains them.
"""


def page() -> Page:
    """Return the page of all modifiers, in alphabetical order."""
    return Page("modifiers", "Modifiers", INTRO, tuple(map(_entry, MODIFIERS.values())))


def _entry(of: Modifier) -> Entry:
    fits = [name for name, entry in DISTRIBUTIONS.items() if not of.problem(entry)]
    rows = _parameters(of)
    return Entry(
        name=of.name,
        kind="modifier",
        summary=of.summary,
        formula=of.formula,
        facts=(f"It modifies {listed(fits)}.",),
        tables=(Table(HEAD, rows),) if rows else (),
        example=of.example,
        sources=cited(of.references),
    )


def _parameters(of: Modifier) -> tuple[tuple[str, ...], ...]:
    rows = [
        (
            code(each.name),
            describe(each.support),
            shown(list(each.dims)),
            code(shown(float(of.defaults[each.name]))) if each.name in of.defaults else "",
            each.summary,
        )
        for each in of.parameters
    ]
    dims = {each.name: shown(list(each.dims)) for each in of.parameters}
    for other in of.alternatives:
        meaning = f"instead of {code(other.replaces)}, which is {other.function}({other.name})"
        size = dims[other.replaces]
        rows.append((code(other.name), describe(other.support), size, "", meaning))
    return tuple(rows)
