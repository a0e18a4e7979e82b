"""Vectors whose pieces are mapped one after the other, between ends that may be earlier pieces.

In `through: f(1 - a)` of a joint draw of `a` and `b`, where f maps `b` between 0 and its context,
the end `1 - a` reads the part `a` of the draw itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from specc.graph.graph import Graph
from specc.graph.nodes import Node
from specc.graph.queries import is_bijection
from specc.language.expressions.tree import Call, Expression, Name
from specc.language.expressions.walk import names

Pieces = tuple[tuple[str, tuple[Expression, ...]], ...]
"""The pieces of a vector in order: the part of a joint draw that each is, or "", and its ends."""


def pieces_of(graph: Graph, node: Node, call: Call) -> Pieces:
    """The pieces of a step of a node with their ends; () if the step is a map of the whole.

    The last step of a joint draw with a piece for each part has the parts as pieces.
    """
    link = graph.links.get(call.function)
    if link is None or not is_bijection(link.entry):
        return ()
    counts, left = link.entry.ends_of(link.options), iter(call.arguments)
    is_of_parts = call is node.through[-1] and len(counts) == len(node.parts)
    parts = node.parts if is_of_parts else ("",) * len(counts)
    ends = (tuple(end for _, end in zip(range(n), left, strict=False)) for n in counts)
    return tuple(zip(parts, ends, strict=True))


def earlier_parts(graph: Graph, node: Node) -> Iterator[Name]:
    """The names of parts of a joint draw in the ends of later parts."""
    for call in node.through[-1:]:
        before: list[str] = []
        for part, ends in pieces_of(graph, node, call):
            yield from (name for end in ends for name in names(end) if name.id in before)
            before.append(part)


def has_moving_ends(graph: Graph, joint: Node, part: str) -> bool:
    """Whether a part of a joint draw is mapped between ends that are values."""
    for call in joint.through[-1:]:
        link, pieces = graph.links.get(call.function), pieces_of(graph, joint, call)
        if link is not None and is_bijection(link.entry) and pieces:
            counts = zip(pieces, link.entry.ends_of(link.options), strict=True)
            return any(name == part and count for (name, _), count in counts)
    return False
