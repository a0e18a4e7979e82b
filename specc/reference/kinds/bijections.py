"""The reference of bijections: both directions, their costs, and the log-determinant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from specc.catalog.bijection import Bijection
from specc.catalog.registry import BIJECTIONS
from specc.catalog.supports import REAL, Support, describe
from specc.reference.entry import Entry, Page, cited
from specc.reference.values import options

INTRO = """A bijection f maps a draw u of the node's distribution to the value x = f(u):
`through: f`, with `f` declared under `links:`, so that log p(x) = log p(u) - log |det dx/du|.
"""


def page() -> Page:
    """Return the page of all bijections, in alphabetical order."""
    found = tuple(map(entry, BIJECTIONS.values()))
    return Page("bijections", "Bijections", INTRO, found)


def entry(of: Bijection[Any]) -> Entry:
    """Return the entry of a bijection."""
    return Entry(
        name=of.name,
        kind="bijection",
        summary=of.summary,
        formula=of.formula,
        facts=_facts(of),
        tables=options(of.Options, of.name),
        example=f"links: {{f: {of.example}}}",
        sources=cited(of.references),
    )


def _facts(of: Bijection[Any]) -> tuple[str, ...]:
    domain = "" if of.domain == REAL else f" from {_set(of.domain)}"
    facts = [f"It maps{domain} onto {_set(of.range)}."]
    for way, cost in (("A draw", of.forward), ("A density", of.inverse)):
        if isinstance(cost, str):
            facts.append(f"{way} costs {cost or 'one pass'}.")
        else:
            facts.append(f"What {way[0].lower()}{way[1:]} costs depends on its options.")
    if callable(of.conditional):
        facts.append("Whether it takes a context depends on its options.")
    elif of.conditional:
        facts.append("It takes a context: `through: f(y)`.")
    if of.stochastic:
        facts.append("In training its log-determinant is an unbiased estimate.")
    return tuple(facts)


def _set(support: Support | Callable[[Any], Support]) -> str:
    return "a set that its options give" if callable(support) else describe(support)
