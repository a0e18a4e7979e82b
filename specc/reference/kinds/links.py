"""The reference of networks that a spec declares under `links:`, and of causal ones."""

from __future__ import annotations

from typing import Any

from specc.catalog.causal import Causal
from specc.catalog.link import Link, always, never
from specc.catalog.registry import CAUSAL_LINKS, LINKS
from specc.reference.entry import Entry, Page, cited
from specc.reference.values import options

INTRO = """A link is a network with a name: `links: {decoder: {mlp: [200, 200]}}`, used as
`decoder(z)`. The key with the name of the kind has its sizes; the sizes of input and output follow
from its use. A causal link may be applied to the node whose parameter it computes.
"""


def page() -> Page:
    """Return the page of all links, followed by causal links."""
    plain = list(map(entry, LINKS.values()))
    causal = list(map(entry, CAUSAL_LINKS.values()))
    return Page("links", "Links", INTRO, (*plain, *causal))


def entry(of: Link[Any] | Causal[Any]) -> Entry:
    """Return the entry of a link."""
    is_causal = isinstance(of, Causal)
    return Entry(
        name=of.name,
        kind="causal link" if is_causal else "link",
        summary=of.summary,
        formula=of.formula,
        facts=_facts(of),
        tables=options(of.Options, of.name),
        example=f"links: {{f: {of.example}}}",
        sources=cited(of.references),
    )


ALWAYS = "It is affine"
SOMETIMES = "Without activations, normalization and dropout it is affine"
MEANING = "normal latent that it feeds may be integrated out exactly; `f.T(y)` is its transpose."


def _facts(of: Link[Any] | Causal[Any]) -> tuple[str, ...]:
    if isinstance(of, Causal):
        return ("Entry i of the result depends on the entries before i, and on all of a context.",)
    facts = []
    if of.recurrent:
        facts.append("Its first argument is a state, of the shape of the result.")
    if of.affine is not never:
        facts.append(f"{ALWAYS if of.affine is always else SOMETIMES}: a {MEANING}")
    return tuple(facts)
