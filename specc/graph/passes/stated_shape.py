"""The shape that a node states, a list of sizes."""

from __future__ import annotations

from specc.catalog.entry import Shape
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.graph.nodes import Node
from specc.graph.passes.amounts import too_large
from specc.graph.passes.expression_shapes import ExpressionShapes
from specc.language.expressions.tree import Expression
from specc.language.expressions.walk import names


def stated_shape(read: ExpressionShapes, node: Node) -> Shape | None:
    """The shape that a node states by `shape:`; None if it states none, or a wrong one."""
    if node.sizes is None:
        return None
    sizes = []
    for size in node.sizes:
        if not _is_named(read, node, size):
            return None
        value = read.number(node, size)
        if not isinstance(value, int) or value < 1:
            read.fail(node, diagnose("E0306", size.span, size=size.span.text, name=node.name))
            return None
        large = too_large(f"a size of `{node.name}`", value, size.span)
        if large is not None:
            read.fail(node, large)
            return None
        sizes.append(value)
    return tuple(sizes)


def _is_named(read: ExpressionShapes, node: Node, size: Expression) -> bool:
    """Whether all names in a size are constants or nodes."""
    for name in names(size):
        constants = read.graph.constants
        if name.id in constants or read.graph.lookup(node.program, name.id) is not None:
            continue
        if read.graph.is_unread(node.program, name.id):
            read.findings.broken.add(node.id)
            return False
        guess = nearest(name.id, constants)
        known = ", ".join(f"`{c}`" for c in constants)
        hint = f"declare it: `constants: {{{name.id}: ...}}`" + (
            f"; there is {known}" if known else ""
        )
        read.fail(
            node,
            diagnose(
                "E0201",
                name.span,
                suggestion=guess,
                name=name.id,
                program=node.program,
                hint=f"did you mean `{guess}`?" if guess else hint,
            ),
        )
        return False
    return True
