"""The reference of draws: how a random node gets its value, and of chains of energies."""

from __future__ import annotations

from specc.catalog.chain import Chain
from specc.catalog.objective import Draw
from specc.catalog.registry import CHAINS, DRAWS
from specc.reference.entry import Entry, Page, Table, cited, code
from specc.reference.values import HEAD, options

INTRO = """`draw:` of a latent names its gradient estimator; by default the compiler chooses it, and
`specc explain SPEC` states the reason. `missing:` of an observed node accepts the same words for
rows and entries without a value. A node of an energy whose conditional distribution has no closed
form, and whose values are real numbers, is drawn by a Markov chain: `hmc`, `langevin` or `mala`.
"""
NEEDS = {
    "needs_reparameterized": "a reparameterized distribution",
    "needs_finite": "a node with finitely many values",
    "needs_continuous": "a continuous node",
    "needs_gaussian": "a normal node",
}


def page() -> Page:
    """Return the page of all draws, followed by the chains, each in alphabetical order."""
    found = (*map(entry, DRAWS.values()), *map(chain, CHAINS.values()))
    return Page("draws", "Draws", INTRO, found)


def chain(of: Chain) -> Entry:
    """Return the entry of a Markov chain."""
    bias = "Its distribution is that of the energy"
    bias += ", whatever the step size." if of.exact else " only for small steps."
    return Entry(
        name=of.name,
        kind="chain",
        summary=f"{of.title[0].upper()}{of.title[1:]}. {of.summary}",
        formula=of.formula,
        facts=("It moves a node of an energy whose values are real numbers.", bias),
        tables=options(of.Options),
        example=of.example,
        sources=cited(of.references),
    )


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
        numbers = ((code(n), "a number", f"{v:g}", of.meanings[n]) for n, v in of.numbers.items())
        value = ((code(of.value), "a node", "", of.value_meaning),) if of.value else ()
        tables = (Table(HEAD, (row, *numbers, *value)),)
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
