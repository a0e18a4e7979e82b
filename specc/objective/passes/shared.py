"""Finite latents that several rows share, which cannot be summed out row by row.

If b is shared by the rows, and no guide draws it,

    log p(x) = log sum_b p(b) prod_i p(x_i | b)

depends on all data jointly and is not a sum over rows: a batch of rows has no unbiased estimate of
it, and a single row has no likelihood. Under a guide the expectation over q(b) is outside the
logarithm, and is a sum over rows.
"""

from __future__ import annotations

from specc.graph.graph import GUIDE, ROWS, TypedGraph
from specc.graph.nodes import Node

Problem = tuple[str, dict[str, str]]
"""A code with its evidence."""


def shared_sum(typed: TypedGraph, node: Node) -> Problem | None:
    """Return the problem E0441 if a finite latent is shared by rows and no guide draws it."""
    if node.program == GUIDE or ROWS in typed.types[node.id].plates:
        return None
    plate = plate_of(typed, node)
    by = f"by the rows of an element of the plate `{plate}`" if plate else "by all rows"
    return "E0441", {"name": node.name, "by": by}


def plate_of(typed: TypedGraph, node: Node) -> str | None:
    """Return the plate of a node, None if it has none."""
    return next((p for p in typed.types[node.id].plates if p in typed.graph.plates), None)
