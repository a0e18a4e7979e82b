"""Assumptions on the supports of data that the spec does not state.

In `rate: b * e` with a positive b, e must be nonnegative. If neither the source nor the spec
declares the support of `e`, the pass assumes the weakest sufficient one, which is checked when the
data are read.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping

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
from specc.diagnostics.source import Span
from specc.graph.constants import SIZE_OF
from specc.graph.graph import Graph, Program
from specc.graph.nodes import Deterministic, Given, Node, NodeId
from specc.language.expressions.tree import Call, Expression, Index, Name
from specc.language.expressions.walk import children, names

WEAKEST_FIRST: tuple[Support, ...] = (
    NONNEGATIVE,
    POSITIVE,
    UNIT_INTERVAL,
    OPEN_UNIT_INTERVAL,
    NATURAL,
)
Fits = Callable[[Mapping[NodeId, Support]], bool]
"""Whether an expression is valid if data have these supports."""


def open_data(graph: Graph, node: Node, expression: Expression) -> tuple[Given, ...]:
    """The given nodes with an unknown support in an expression, with `let` nodes expanded."""
    found: dict[NodeId, Given] = {}
    seen: set[NodeId] = set()
    stack: list[tuple[Node, Expression]] = [(node, expression)]
    while stack:
        user, current = stack.pop()
        for used in _nodes(graph, user, current):
            if used.id in seen:
                continue
            seen.add(used.id)
            if isinstance(used, Deterministic) and used.scan is None:
                stack.append((used, used.value))
            elif isinstance(used, Given) and is_open(graph, used):
                found[used.id] = used
    return tuple(found.values())


def counted_names(graph: Graph, entries: Container[Span], expression: Expression) -> Iterator[Name]:
    """The names whose supports determine that of an expression.

    Indices and the arguments of links and of `dim` do not count, nor those of the calls in
    `entries`, whose results are indices.
    """
    stack = [expression]
    while stack:
        match stack.pop():
            case Name() as name:
                yield name
            case Index(base=base):
                stack.append(base)
            case Call(function=function, span=span) if (
                function == SIZE_OF or graph.is_link(function) or span in entries
            ):
                continue
            case part:
                stack += reversed(children(part))


def is_open(graph: Graph, node: Given) -> bool:
    """Whether neither the source nor the spec states the support of a given node."""
    if node.plate_index is not None:
        return False
    field = graph.fields.get(node.field)
    return field is None or field.support is None


def _nodes(graph: Graph, user: Node, expression: Expression) -> Iterator[Node]:
    for name in names(expression):
        found = graph.lookup(user.program, name.id)
        if found is not None:
            yield found


def suppose(
    data: tuple[Given, ...], known: Mapping[NodeId, Support], wanted: Support, fits: Fits
) -> dict[NodeId, Support] | None:
    """The weakest supports of its data that make an expression valid; None if there are none."""
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
    """The assumptions without those that are not necessary."""
    least = dict(supposed)
    for name, support in supposed.items():
        weaker = {**least, name: known[name]}
        if not contains(support, known[name]) and fits(weaker):
            least = weaker
    return least


def unit_supports(program: Program) -> dict[NodeId, Support]:
    """The supports of the units of an energy, whose parameters depend on each other."""
    units = (program.nodes[name] for name in program.units)
    return {unit.id: unit.entry.result({}) for unit in units if unit.entry is not None}
