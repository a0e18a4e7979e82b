"""Values over the steps of a sequence: the step before, what is learnt for each, what is alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.codegen.plan import Before, Let
from specc.graph.graph import Node

if TYPE_CHECKING:
    from specc.codegen.emit.body import Body


def write_before(body: Body, before: Before) -> None:
    """`z_before = before(z, 0.0, dims=1)`."""
    base, name = before.base, before.node.name
    program, rank = before.node.program, len(before.type.shape)
    body.prepare(program, (base, *before.inputs))
    body.hold(before.node)
    function = "before" if before.is_before else "after"
    body.imports.add(f"specc.runtime.functions.{function}")
    found = body.plan.graph.graph.lookup(program, base)
    assert found is not None
    with body.out.about(f"{found.program}.{base}"):
        items = [_value(body, before), initial(body, before), f"dims={rank}"]
        if before.lengths is not None and before.node.scan is not None:
            items.append(f"mask={body.mask(before.node.scan, before.lengths)}")
        body.out.call(f"{body.python(name)} = {function}", items, "")
    body.inherit(name, (base, *before.inputs))
    if name in body.layout.enumerated:
        body.axes[name] = frozenset((name,))


def _value(body: Body, before: Before) -> str:
    """The values of all steps; states that are summed out get an axis for the step before."""
    value, rank = body.python(before.base), len(before.type.shape)
    if before.node.name not in body.layout.enumerated:
        return value
    assert before.node.scan is not None
    steps = body.plan.graph.graph.size_of(before.node.scan)
    right = -body.layout.axis(before.base) - 1
    sizes = [*("-1",) * (right + 2), str(steps), *("-1",) * rank]
    return f"{value}.unsqueeze(1).expand({', '.join(sizes)})"


def initial(body: Body, before: Before) -> str:
    """The value before the first step."""
    if not before.method:
        return repr(before.number)
    given = ", ".join(body.python(name) for name in before.inputs)
    return f"{body.owners[before.node.program]}.{before.method}({given})"


def write_stepped(body: Body, node: Node) -> None:
    """`w = model.w`, what is learnt for each step."""
    body.hold(node)
    with body.out.about(f"{node.program}.{node.name}"):
        items = body.plan.programs[node.program].learnt
        attribute = next(item.attribute for item in items if item.node.name == node.name)
        owner = body.owners[node.program]
        body.out.statement(f"{body.python(node.name)} = {owner}.{attribute}")


def is_alike(body: Body, let: Let) -> bool:
    """Whether a node on a sequence has the same value at each step: nothing in it has steps."""
    graph, program = body.plan.graph, let.node.program
    used = (graph.type(program, name).plates for name in let.inputs)
    return let.node.scan is not None and not any(let.node.scan in plates for plates in used)
