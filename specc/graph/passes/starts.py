"""Errors of values before the first step of a sequence."""

from __future__ import annotations

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.graph.constants import number_of
from specc.graph.graph import Graph
from specc.graph.nodes import Lagged, Node


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
