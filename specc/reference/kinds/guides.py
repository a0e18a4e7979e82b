"""The reference of guides that the compiler derives."""

from __future__ import annotations

from specc.catalog.guide import Guide
from specc.catalog.registry import GUIDES
from specc.reference.entry import Entry, Page, cited
from specc.reference.values import options

INTRO = """`guide: auto` derives the guide of every latent that no node of the guide draws;
`guide: {auto: KIND}` says by which kind, and `guide: {w: {auto: KIND}}` for one latent.
`specc explain` shows the nodes that take its place. [Guides](../guides.md) explains it.
"""


def page() -> Page:
    """Return the page of all derived guides."""
    return Page("guides", "Derived guides", INTRO, tuple(map(_entry, GUIDES.values())))


def _entry(of: Guide) -> Entry:
    whose = "with a value for each row" if of.local else "that rows share"
    facts = [f"It draws latents {whose}."]
    if of.standard:
        facts.append("It is the kind of such latents if the spec states none.")
    return Entry(
        name=of.name,
        kind="guide",
        summary=of.summary,
        formula=of.formula,
        facts=tuple(facts),
        tables=options(of.Options) if of.Options.model_fields else (),
        example=of.example,
        sources=cited(of.references),
    )
