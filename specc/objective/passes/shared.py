"""Finite latents that several rows share: where a sum over their values has no meaning row by row.

With b shared by the rows, and no guide that draws it,

    log p(x) = log sum_b p(b) prod_i p(x_i | b)

is one number of all the data. It is no sum over rows: a batch of rows has no unbiased estimate
of it, and a row has no likelihood of its own. Under a guide the expectation over q(b) is outside
the logarithm, and is a sum over rows.
"""

from __future__ import annotations

from specc.graph.graph import GUIDE, ROWS, TypedGraph
from specc.graph.nodes import Node

Problem = tuple[str, dict[str, str]]
"""A code with its evidence."""


def shared_sum(typed: TypedGraph, node: Node) -> Problem | None:
    """What stands against summing a latent out of the density of each row, if anything does."""
    if node.program == GUIDE or ROWS in typed.types[node.id].plates:
        return None
    plate = plate_of(typed, node)
    by = f"by the rows of an element of the plate `{plate}`" if plate else "by all rows"
    return "E0441", {"name": node.name, "by": by}


def plate_of(typed: TypedGraph, node: Node) -> str | None:
    """The plate of which each element has its own value of a node."""
    return next((p for p in typed.types[node.id].plates if p in typed.graph.plates), None)
