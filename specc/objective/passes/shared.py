"""Finite latents that several rows share, which are not summed out row by row.

If b is shared by all rows, and no guide draws it,

    log p(x) = log sum_b p(b) prod_i p(x_i | b)

depends on all data jointly and is not a sum over rows: a batch of some rows has no unbiased
estimate of it. Under a guide the expectation over q(b) is outside the logarithm, and is a sum over
rows. `specc.objective.passes.elements` has latents on plates, of which b is the case of one element
that all rows have.
"""

from __future__ import annotations

from collections.abc import Mapping

from specc.graph.graph import MODEL, TypedGraph
from specc.graph.nodes import Node
from specc.objective.objective import Draw
from specc.objective.terms import LogProb, Term, walk

Problem = tuple[str, dict[str, str]]
"""A code with its evidence."""


def is_of_all(typed: TypedGraph, name: str) -> bool:
    """Whether a latent of the model has one value for all rows."""
    return not typed.types[MODEL, name].plates


def plate_of(typed: TypedGraph, node: Node) -> str | None:
    """Return the plate of a node, None if it has none."""
    return next((p for p in typed.types[node.id].plates if p in typed.graph.plates), None)


def plates_of(typed: TypedGraph, draws: Mapping[str, Draw]) -> dict[str, str]:
    """Return the plate of each enumerated latent that has one."""
    enumerated = {name: draw.program for name, draw in draws.items() if draw.has_axis}
    found = ((n, plate_of(typed, typed.graph.node((p, n)))) for n, p in enumerated.items())
    return {name: plate for name, plate in found if plate is not None}


def is_of_rows(typed: TypedGraph, term: Term) -> bool:
    """Whether a term has a density of rows, and not of what they share alone."""
    leaves = (each for each in walk(term) if isinstance(each, LogProb))
    return any(typed.types[each.program, each.node].is_local for each in leaves)
