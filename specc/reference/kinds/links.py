"""Networks that a spec declares under `links:`, causal ones among them."""

from __future__ import annotations

from typing import Any

from specc.catalog.causal import Causal
from specc.catalog.causal_links import index as causal_links
from specc.catalog.link import Link
from specc.catalog.links import index
from specc.reference.entry import Entry, Page, cited, headline
from specc.reference.values import options

INTRO = """A link is a network with a name: `links: {decoder: {mlp: [200, 200]}}`, used as
`decoder(z)`. The key named like the kind holds its sizes; the sizes of input and output come from
where it is used. A causal link may be applied to the node that it gives a parameter of.
"""


def page() -> Page:
    """Links, then causal links."""
    plain = [entry(index.link(name)) for name in index.names()]
    causal = [entry(causal_links.causal_link(name)) for name in causal_links.names()]
    return Page("links", "Links", INTRO, (*plain, *causal))


def entry(of: Link[Any] | Causal[Any]) -> Entry:
    """One kind of network."""
    is_causal = isinstance(of, Causal)
    return Entry(
        name=of.name,
        kind="causal link" if is_causal else "link",
        summary=headline("causal_links" if is_causal else "links", of.name),
        formula=of.formula,
        facts=_facts(of),
        tables=options(of.Options, of.name),
        example=f"links: {{f: {of.example}}}",
        sources=cited(of.references),
    )


def _facts(of: Link[Any] | Causal[Any]) -> tuple[str, ...]:
    if isinstance(of, Causal):
        return ("Entry i of the result depends on the entries before i, and on all of a context.",)
    facts = []
    if of.recurrent:
        facts.append("Its first argument is a state, of the shape of the result.")
    if of.affine:
        facts.append("It is affine: a normal latent that it feeds may be integrated out exactly.")
    return tuple(facts)
