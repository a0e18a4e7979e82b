"""Entries of values: `u[user]` on a plate, `x[0]` by its number, `table[i, j]` by class numbers.

On a plate the first index says which element; every further one takes an entry of the first axis
that is left. An index is a whole number that the compiler knows, or one class number, which may
vary over rows, particles and the values that are summed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from specc.catalog.entry import Shape
from specc.catalog.supports import Integers, Support, contains, describe
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import Graph, Node
from specc.graph.passes.starts import bad_start
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Expression, Index, Name

if TYPE_CHECKING:
    from specc.graph.passes.expression_shapes import ExpressionShapes
    from specc.graph.passes.supports import Supports


@dataclass(frozen=True, slots=True)
class Lookup:
    """An index that is computed: it must count exactly the entries of the axis that it indexes."""

    node: Node
    base: Expression
    index: Expression
    size: int


def plated(graph: Graph, program: str, base: Expression) -> Node | None:
    """The node on a plate whose element the first index of `base` picks, or None."""
    found = graph.lookup(program, base.id) if isinstance(base, Name) else None
    return found if found is not None and found.plate is not None else None


def index_shape(read: ExpressionShapes, node: Node, key: str, whole: Index) -> Shape | None:
    """The shape of what is left of an event; what is wrong goes to the findings."""
    left = read.infer(node, key, whole.base, None)
    if left is None:
        return None
    indices = whole.indices
    repeated = plated(read.graph, node.program, whole.base)
    if repeated is not None:
        assert repeated.plate is not None
        if not _is_element(read, node, key, whole, repeated.plate):
            return None
        indices = indices[1:]
    for index in indices:
        taken = _entry(read, node, key, whole, index, left)
        if taken is None:
            return None
        left = taken
    return left


def _entry(
    read: ExpressionShapes, node: Node, key: str, whole: Index, index: Expression, left: Shape
) -> Shape | None:
    """What one index leaves: a number counts from 0, or from the end with a minus."""
    text, position = index.span.text, read.number(node, index)
    at = () if position is not None else read.infer(node, key, index, None)
    if at is None:
        return None
    if left == () or at != () or isinstance(position, float):
        shown = f"[{', '.join(map(str, left))}]" if left else "a number"
        return read.fail(node, diagnose("E0320", whole.span, index=text, shape=shown))
    size, name = left[0], whole.base.span.text
    if position is None:
        read.lookups.append(Lookup(node, whole.base, index, size))
    elif not -size <= position < size:
        finding = diagnose("E0313", index.span, base=name, size=size, index=text, last=size - 1)
        return read.fail(node, finding)
    return left[1:]


# elements of plates


def _is_element(read: ExpressionShapes, node: Node, key: str, whole: Index, plate: str) -> bool:
    """Whether the first index is always the number of an element of the plate."""
    index = whole.indices[0]
    at = read.infer(node, key, index, None)
    if at is None:
        return False
    if at != () or not _picks(read, node, index, plate):
        _bad_element(read, node, whole, plate)
        return False
    return True


def _picks(read: ExpressionShapes, node: Node, index: Expression, plate: str) -> bool:
    size = read.graph.plates[plate]
    if not isinstance(index, Name):
        position = read.number(node, index)
        return isinstance(position, int) and 0 <= position < size
    found = read.graph.lookup(node.program, index.id)
    if found is None:
        return False
    return found.plate_index == plate or read.classes.get(found.id, size + 1) <= size


def _bad_element(read: ExpressionShapes, node: Node, whole: Index, plate: str) -> None:
    index = whole.indices[0]
    found = read.graph.lookup(node.program, index.id) if isinstance(index, Name) else None
    hint = f"index it with a node that is `given` with `plate_index: {plate}`"
    if found is not None and found.role == "given":
        hint = f"write `{found.name}: {{given: {found.field}, plate_index: {plate}}}`"
    elif found is not None and found.is_random:
        size = read.graph.plates[plate]
        hint = f"index it with a categorical node of at most {size} classes"
    base, text = whole.base.span.text, index.span.text
    finding = diagnose("E0312", index.span, base=base, index=text, plate=plate, hint=hint)
    read.fail(node, finding)


# what is looked up


def check_lookups(lookups: list[Lookup], supports: Supports, findings: Findings) -> None:
    """Refuse an index that is no class number, or of other classes than its axis has entries."""
    for lookup in lookups:
        if lookup.node.id in findings.broken:
            continue
        given = supports.of_index(lookup.node, lookup.index, lookup.size)
        wanted = Integers(0, lookup.size - 1)
        if given == wanted:
            continue
        start = supports.start_at_fault(lookup.node, lookup.index, wanted)
        if start is not None and not contains(wanted, given):
            base = print_expression(lookup.base)
            needs = f"`{base}` has the entries 0 to {lookup.size - 1}"
            hint = f"{describe(wanted)}, or give `{base}` a further entry for it"
            findings.add(bad_start(supports.graph, start, needs, hint), lookup.node.id)
            continue
        findings.add(_misfit(lookup, given), lookup.node.id)


def _misfit(lookup: Lookup, given: Support) -> Diagnostic:
    base, index = print_expression(lookup.base), print_expression(lookup.index)
    span, size = lookup.index.span, lookup.size
    if isinstance(given, Integers) and given.low == 0 and given.high < 1e9:
        count = f"{given.high + 1:g}"
        return diagnose("E0341", span, base=base, index=index, size=size, classes=count)
    found = describe(given)
    return diagnose("E0342", span, base=base, index=index, last=size - 1, found=found)
