"""The shapes of values before the first step of a sequence."""

from __future__ import annotations

from specc.catalog.arithmetic import broadcast, show
from specc.catalog.entry import Shape
from specc.diagnostics.report import diagnose
from specc.graph.nodes import Deterministic, Distributed, Lagged, Node
from specc.graph.passes.expression_shapes import ExpressionShapes


def check_initial(read: ExpressionShapes, node: Lagged, base: Node, shape: Shape) -> bool:
    """Check that the value before the first step has the shape of a step."""
    found = read.infer(node, "initial", node.initial, shape)
    if found is not None and broadcast(found, shape) != shape:
        finding = diagnose(
            "E0329",
            node.initial.span,
            name=base.name,
            found=show(found),
            expected=show(shape),
        )
        found = read.fail(node, finding)
    return found is not None


def shape_by_initial(read: ExpressionShapes, node: Lagged, base: Node) -> Shape | None:
    """Return the shape of the value before the first step, if a step may be assumed to have it.

    A link has results of any size, so the shape of its result is a choice that the spec states.
    """
    if not isinstance(base, (Deterministic, Distributed)):
        return None
    if isinstance(base, Distributed) and (base.params is not None or base.entry.finite):
        return None
    if any(read.has_link(each) for each in (*base.expressions(), node.initial)):
        return None
    return read.infer(node, "initial", node.initial, None)
