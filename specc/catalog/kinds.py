"""Every kind that a spec may declare under `links:`, whatever it is used for."""

from __future__ import annotations

from typing import Any

from specc.catalog.bijection import Bijection
from specc.catalog.bijections import index as bijections
from specc.catalog.causal import Causal
from specc.catalog.causal_links import index as causal_links
from specc.catalog.link import Link
from specc.catalog.links import index as links

Kind = Link[Any] | Bijection[Any] | Causal[Any]


def names() -> tuple[str, ...]:
    """Every kind, in alphabetical order."""
    return tuple(sorted((*links.names(), *bijections.names(), *causal_links.names())))


def kind(name: str) -> Kind:
    """The entry of a kind; its file is imported only now. Raises `KeyError`."""
    if name in bijections.names():
        return bijections.bijection(name)
    if name in causal_links.names():
        return causal_links.causal_link(name)
    return links.link(name)
