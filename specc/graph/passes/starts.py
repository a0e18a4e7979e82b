"""Errors of values before the first step of a sequence, and the supports that follow from them."""

from __future__ import annotations

from collections.abc import Callable

from specc.catalog.supports import (
    NONNEGATIVE,
    OPEN_UNIT_INTERVAL,
    POSITIVE,
    SIMPLEX,
    UNIT_INTERVAL,
    Support,
    contains,
    meet,
)
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.graph.constants import number_of
from specc.graph.graph import Graph
from specc.graph.nodes import Deterministic, Lagged, Node, NodeId
from specc.language.expressions.tree import Expression


def fits_classes(graph: Graph, base: Node, start: Lagged, classes: int | None) -> bool:
    """Whether a constant initial value is a class number, or the number of classes (no class)."""
    if classes is None or not base.is_random:
        return True
    value = number_of(start.initial, graph.constants, lambda name: None)
    return value is None or (float(value).is_integer() and 0 <= value <= classes)


def bad_class(base: Node, start: Lagged, classes: int) -> Diagnostic:
    """The diagnostic of an initial value that is not a class number."""
    return diagnose(
        "E0332",
        start.initial.span,
        name=base.name,
        value=start.initial.span.text,
        needs=f"its classes are 0 to {classes - 1}",
        hint=f"write one of them, or {classes}, which stands for no class",
    )


def bad_start(graph: Graph, start: Lagged, needs: str, among: str) -> Diagnostic:
    """The diagnostic of an initial value that is invalid where the previous step is used."""
    base = graph.lookup(start.program, start.shift.base)
    return diagnose(
        "E0332",
        start.initial.span,
        name=base.name if base is not None else start.shift.base,
        value=start.initial.span.text,
        needs=needs,
        hint=f"write an initial value among {among}",
    )


INVARIANT: tuple[Support, ...] = (
    SIMPLEX,
    OPEN_UNIT_INTERVAL,
    UNIT_INTERVAL,
    POSITIVE,
    NONNEGATIVE,
)
"""The supports that a recurrent node is tried to stay in."""


def lagged_nodes(graph: Graph) -> dict[NodeId, Lagged]:
    """The first node of a previous value of each node that has some."""
    found: dict[NodeId, Lagged] = {}
    for program in graph.programs.values():
        for node in program.nodes.values():
            if isinstance(node, Lagged):
                found.setdefault((node.program, node.shift.base), node)
    return found


def recurrent(
    lagged: Lagged | None,
    node: Deterministic,
    found: dict[NodeId, Support],
    of: Callable[[Node, Expression], Support],
) -> Support:
    """The support of a deterministic node, if it is recurrent by induction over the steps.

    A set that has the value before the first step, and each value if it has the previous one, has
    all of them. `lagged` is the node of the previous value, if there is one; `found` are the
    supports so far, its own among them, and `of` computes that of an expression.
    """
    value = of(node, node.value)
    if lagged is None or lagged.id not in found:
        return value
    before, invariant = found[lagged.id], None
    for support in INVARIANT:
        found[lagged.id] = support
        if contains(support, of(node, lagged.initial)):
            narrowed = of(node, node.value)
            if contains(support, narrowed):
                value = meet(value, narrowed) or narrowed
                invariant = support if invariant is None else meet(invariant, support)
    found[lagged.id] = invariant or before
    return value
