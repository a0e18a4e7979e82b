"""The ends of the support of a latent that the values of its class determine, and data."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from specc.graph.ends import (
    Beyond,
    Ends,
    ends_beyond,
    is_column,
    moving_ends,
    observed_beyond,
    parents_of,
)
from specc.graph.graph import ROWS, TypedGraph
from specc.graph.nodes import Node


class KnownEnds(Struct, frozen=True):
    """The ends, None if all are numbers or not known, and the nodes of the data behind them.

    No value of the nodes of `beyond` may be beyond an end.
    """

    ends: Ends | None = None
    data: tuple[str, ...] = ()
    beyond: Beyond = ()


def known_ends(
    typed: TypedGraph, node: Node, is_point: Callable[[Node], bool], *, is_sampled: bool
) -> KnownEnds:
    """Return the ends of a learnable value; `is_point` are the values of its class.

    The class knows all training rows only under a sampler.
    """
    ends = moving_ends(typed, node)
    if ends is None:
        beyond = observed_beyond(typed, node) if is_sampled else {}
        if not beyond:
            return KnownEnds()
        found = ends_beyond(typed.types[node.id].support, beyond.values())
        return KnownEnds(found, tuple(beyond), tuple(beyond.items()))
    parents = parents_of(typed.graph, node)
    is_of_rows = is_sampled and typed.types[node.id].plates == (ROWS,)
    data = tuple(each.name for each in parents if is_of_rows and is_column(typed, each))
    if all(each.name in data or is_point(each) for each in parents):
        return KnownEnds(ends, data)
    return KnownEnds()
