"""The reference of functions: formula, arguments and result."""

from __future__ import annotations

from specc.catalog.entry import Function
from specc.catalog.registry import FUNCTIONS
from specc.catalog.supports import REAL, describe
from specc.reference.entry import Entry, Page, cited

INTRO = """Functions are used in expressions: after `let:`, for parameters of distributions, and
inside each other. They act on one event; rows, particles and plates are never written. The
operators are `+`, `-`, `*`, `/`, `**` and `@` (products of matrices and vectors); there are no
comparisons. The support of a result decides where it may be used: `scale: exp(x)` is positive.
"""


def page() -> Page:
    """Return the page of all functions, in alphabetical order."""
    found = tuple(map(entry, FUNCTIONS.values()))
    return Page("functions", "Functions", INTRO, found)


def entry(of: Function) -> Entry:
    """Return the entry of a function."""
    return Entry(
        name=of.name,
        kind="function",
        summary=of.summary,
        formula=of.formula,
        facts=_facts(of),
        example=of.example,
        sources=cited(of.references),
    )


def _facts(of: Function) -> tuple[str, ...]:
    least, most = of.arity
    count = f"{least}" if most == least else f"{least} or more" if most is None else ""
    count = count or f"{least} to {most}"
    plural = "" if count == "1" else "s"
    result = describe(of.support((REAL,) * max(least, 1)))
    if most == 0:
        return "It takes no arguments.", f"Result: {result}."
    facts = [f"It takes {count} argument{plural}."]
    if of.elementwise:
        facts.append("It acts entry by entry.")
    facts.append(f"Result for real arguments: {result}.")
    if of.monotone:
        facts.append("It is increasing, so that the ends of a support go to the ends.")
    if of.linear:
        facts.append("It is linear.")
    if of.of_data:
        facts.append("Its argument is a node that the data gives.")
    if of.sizes:
        facts.append("A size is an integer that is known when compiling.")
    return tuple(facts)
