"""What stands before the first step of a sequence, where it does not fit its uses."""

from __future__ import annotations

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.graph.graph import Graph, Node
from specc.graph.passes.sizes import number_of


def fits_classes(graph: Graph, base: Node, start: Node, classes: int | None) -> bool:
    """Whether a written start of a class number is one, or the number after the last, for none."""
    if classes is None or start.initial is None or base.entry is None:
        return True
    value = number_of(start.initial, graph.constants, lambda name: None)
    return value is None or (float(value).is_integer() and 0 <= value <= classes)


def bad_class(base: Node, start: Node, classes: int) -> Diagnostic:
    """The finding of a start that is no class number."""
    assert start.initial is not None
    return diagnose(
        "E0332",
        start.initial.span,
        name=base.name,
        value=start.initial.span.text,
        needs=f"its classes are 0 to {classes - 1}",
        hint=f"start it among them, or at {classes}, which stands for no class",
    )


def bad_start(graph: Graph, start: Node, needs: str, among: str) -> Diagnostic:
    """The finding of a start that does not fit where the value of the step before is used."""
    assert start.initial is not None and start.shift is not None
    base = graph.lookup(start.program, start.shift.base)
    return diagnose(
        "E0332",
        start.initial.span,
        name=base.name if base is not None else start.shift.base,
        value=start.initial.span.text,
        needs=needs,
        hint=f"start it among {among}",
    )
