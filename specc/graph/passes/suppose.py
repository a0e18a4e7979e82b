"""What data must be for their uses to have a meaning, where the spec does not state it.

`rate: b * e`, of a positive b, has a meaning if e cannot be negative. What the source of `e` does
not declare is not known before its file is read, so the weakest sufficient set is supposed of it,
and checked with the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from specc.catalog.supports import (
    NATURAL,
    NONNEGATIVE,
    OPEN_UNIT_INTERVAL,
    POSITIVE,
    UNIT_INTERVAL,
    Support,
    contains,
    meet,
)
from specc.graph.graph import Graph, Node, NodeId
from specc.language.expressions.tree import Expression
from specc.language.expressions.walk import names

WEAKEST_FIRST: tuple[Support, ...] = (
    NONNEGATIVE,
    POSITIVE,
    UNIT_INTERVAL,
    OPEN_UNIT_INTERVAL,
    NATURAL,
)
Fits = Callable[[Mapping[NodeId, Support]], bool]
"""Whether an expression has a meaning if data lie in these sets."""


def open_data(graph: Graph, node: Node, expression: Expression) -> tuple[Node, ...]:
    """The given nodes whose values only the file knows, seen through `let` nodes."""
    found: dict[NodeId, Node] = {}
    seen: set[NodeId] = set()
    stack: list[tuple[Node, Expression]] = [(node, expression)]
    while stack:
        user, current = stack.pop()
        for used in _nodes(graph, user, current):
            if used.id in seen:
                continue
            seen.add(used.id)
            if used.role == "let" and used.value is not None and used.scan is None:
                stack.append((used, used.value))
            elif is_open(graph, used):
                found[used.id] = used
    return tuple(found.values())


def is_open(graph: Graph, node: Node) -> bool:
    """Whether neither the source nor the spec states what the values of a given node are."""
    if node.role != "given" or node.plate_index is not None:
        return False
    field = graph.fields.get(node.field or "")
    return field is None or field.support is None


def _nodes(graph: Graph, user: Node, expression: Expression) -> Iterator[Node]:
    for name in names(expression):
        found = graph.lookup(user.program, name.id)
        if found is not None:
            yield found


def suppose(
    data: tuple[Node, ...], known: Mapping[NodeId, Support], wanted: Support, fits: Fits
) -> dict[NodeId, Support] | None:
    """The weakest sets that make an expression fit, one for each of its data; None if none do."""
    structured = (wanted,) if wanted.event_rank else ()
    for candidate in (*structured, *WEAKEST_FIRST):
        narrowed = {node.id: meet(known[node.id], candidate) for node in data}
        supposed = {name: support for name, support in narrowed.items() if support is not None}
        if len(supposed) == len(data) and fits(supposed):
            return _relaxed(supposed, known, fits)
    return None


def _relaxed(
    supposed: dict[NodeId, Support], known: Mapping[NodeId, Support], fits: Fits
) -> dict[NodeId, Support]:
    """The same without what is supposed of data for which it is not needed."""
    least = dict(supposed)
    for name, support in supposed.items():
        weaker = {**least, name: known[name]}
        if not contains(support, known[name]) and fits(weaker):
            least = weaker
    return least
