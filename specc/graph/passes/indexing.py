"""Indexing: `u[user]` on a plate, `x[0]` by a number, `table[i, j]` by class numbers.

On a plate the first index selects an element; every further index selects an entry of the first
remaining axis. An index is a constant integer or class numbers, which may vary over rows, particles
and enumerated values. As in numpy, an array of class numbers selects an array of entries:
`phi[start]` of a vector `start` is the vector of the entries, and several indices broadcast.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from specc.catalog.arithmetic import broadcast, show
from specc.catalog.entry import Shape
from specc.catalog.supports import Integers, Support, contains, describe
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.graph.constants import list_of
from specc.graph.findings import Findings
from specc.graph.graph import Graph
from specc.graph.nodes import Deterministic, Given, Lagged, Node, NodeId
from specc.graph.passes.starts import bad_start
from specc.graph.queries import plate_node
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Expression, Index, Name, Over


class Lookup(Struct, frozen=True):
    """A computed index; its classes must be exactly the entries of its axis, or some of them.

    Some are enough for a value that is computed, and for a list of numbers. An entry of a parameter
    would never be trained.
    """

    node: Node
    base: Expression
    index: Expression
    size: int


class ShapeReader(Protocol):
    """The interface of the shape pass that indexing needs."""

    graph: Graph
    classes: dict[NodeId, int]
    lookups: list[Lookup]

    def fail(self, node: Node, diagnostic: Diagnostic) -> Shape | None:
        """Reports an error of a node; returns None."""
        ...

    def number(self, node: Node, expression: Expression) -> int | float | None:
        """The value of a constant expression, else None."""
        ...

    def infer(
        self, node: Node, key: str, expression: Expression, expected: Shape | None
    ) -> Shape | None:
        """The shape of an expression of `node`, or None after an error."""
        ...


class SupportReader(Protocol):
    """The interface of the support pass that indexing needs."""

    graph: Graph

    def of_index(self, node: Node, index: Expression, size: int) -> Support:
        """The support of an index into `size` entries."""
        ...

    def invalid_start(self, node: Node, expression: Expression, wanted: Support) -> Lagged | None:
        """A lagged node if only its value before the first step is outside `wanted`, or None."""
        ...


def index_shape(read: ShapeReader, node: Node, key: str, indexed: Index) -> Shape | None:
    """The shape of an indexed event; reports errors."""
    left = read.infer(node, key, indexed.base, None)
    if left is None:
        return None
    indices = indexed.indices
    repeated = plate_node(read.graph, node.program, indexed.base)
    if repeated is not None:
        assert repeated.plate is not None
        if not _is_element(read, node, key, indexed, repeated.plate):
            return None
        indices = indices[1:]
    chosen: Shape = ()
    for index in indices:
        found = _entry(read, node, key, indexed, index, left)
        if found is None:
            return None
        joined, left = broadcast(chosen, found), left[1:]
        if joined is None:
            text = f"{indexed.base.span.text}[{', '.join(i.span.text for i in indices)}]"
            shapes = f"{show(chosen)} and {show(found)}"
            return read.fail(node, diagnose("E0335", index.span, indexed=text, shapes=shapes))
        chosen = joined
    return (*chosen, *left)


def _entry(
    read: ShapeReader, node: Node, key: str, indexed: Index, index: Expression, left: Shape
) -> Shape | None:
    """The shape of one index into the first axis; a negative number counts from the end."""
    text, position = index.span.text, read.number(node, index)
    at = () if position is not None else read.infer(node, key, index, None)
    if at is None:
        return None
    if left == () or isinstance(position, float):
        return read.fail(node, diagnose("E0320", indexed.span, index=text, shape=show(left)))
    size, name = left[0], indexed.base.span.text
    if position is None:
        read.lookups.append(Lookup(node, indexed.base, index, size))
    elif not -size <= position < size:
        finding = diagnose("E0313", index.span, base=name, size=size, index=text, last=size - 1)
        return read.fail(node, finding)
    return at


# elements of plates


def _is_element(read: ShapeReader, node: Node, key: str, indexed: Index, plate: str) -> bool:
    """Whether the first index always selects an element of the plate."""
    index = indexed.indices[0]
    at = read.infer(node, key, index, None)
    if at is None:
        return False
    if at != () or not _picks(read, node, index, plate):
        _bad_element(read, node, indexed, plate)
        return False
    return True


def _picks(read: ShapeReader, node: Node, index: Expression, plate: str) -> bool:
    size = read.graph.plates[plate]
    if isinstance(index, Index) and len(index.indices) == 1:
        element = plate_node(read.graph, node.program, index.base)
        return element is not None and read.classes.get(element.id, size + 1) <= size
    if not isinstance(index, Name):
        position = read.number(node, index)
        return isinstance(position, int) and 0 <= position < size
    found = read.graph.lookup(node.program, index.id)
    if found is None:
        return False
    return found.plate_index == plate or read.classes.get(found.id, size + 1) <= size


def _bad_element(read: ShapeReader, node: Node, indexed: Index, plate: str) -> None:
    index = indexed.indices[0]
    found = read.graph.lookup(node.program, index.id) if isinstance(index, Name) else None
    hint = f"index it with a node that is `given` with `plate_index: {plate}`"
    if isinstance(found, Given):
        hint = f"write `{found.name}: {{given: {found.field}, plate_index: {plate}}}`"
    elif found is not None and found.is_random:
        size = read.graph.plates[plate]
        hint = f"index it with a categorical node of at most {size} classes"
    base, text = indexed.base.span.text, index.span.text
    finding = diagnose("E0312", index.span, base=base, index=text, plate=plate, hint=hint)
    read.fail(node, finding)


def check_step(read: ShapeReader, node: Node, key: str, over: Over, index: Expression) -> bool:
    """Check that an index selects a step of a sequence: a number, or a class number."""
    position, size = read.number(node, index), read.graph.size_of(over.plate)
    if position is None:
        read.lookups.append(Lookup(node, over.operand, index, size))
        return read.infer(node, key, index, None) == ()
    if isinstance(position, int) and 0 <= position < size:
        return True
    base = over.operand.span.text
    words = {"base": base, "index": index.span.text, "plate": over.plate}
    if position == -1:
        hint = f"write `last({base}, {over.plate})` for the last step of each row"
    else:
        hint = f"the steps are 0 to {size - 1}"
    read.fail(node, diagnose("E0261", index.span, labels=(), hint=hint, **words))
    return False


# computed indices


def check_lookups(lookups: Iterable[Lookup], supports: SupportReader, findings: Findings) -> None:
    """Refuses an index that is not a class number, or whose classes do not match its axis."""
    for lookup in lookups:
        if lookup.node.id in findings.broken:
            continue
        given = supports.of_index(lookup.node, lookup.index, lookup.size)
        wanted = Integers(0, lookup.size - 1)
        if given == wanted or (contains(wanted, given) and _may_be_some(supports.graph, lookup)):
            continue
        start = supports.invalid_start(lookup.node, lookup.index, wanted)
        if start is not None and not contains(wanted, given):
            base = print_expression(lookup.base)
            needs = f"`{base}` has the entries 0 to {lookup.size - 1}"
            hint = f"{describe(wanted)}, or give `{base}` a further entry for it"
            findings.add(bad_start(supports.graph, start, needs, hint), lookup.node.id)
            continue
        findings.add(_misfit(lookup, given), lookup.node.id)


def _may_be_some(graph: Graph, lookup: Lookup) -> bool:
    """Whether an index may leave entries out, as it leaves none of a parameter without training.

    The indexed value is computed, or the index is a list of numbers, which is meant.
    """
    base = lookup.base
    node = graph.lookup(lookup.node.program, base.id) if isinstance(base, Name) else None
    return isinstance(node, Deterministic) or list_of(lookup.index, graph.constants) is not None


def _misfit(lookup: Lookup, given: Support) -> Diagnostic:
    base, index = print_expression(lookup.base), print_expression(lookup.index)
    span, size = lookup.index.span, lookup.size
    if isinstance(given, Integers) and given.low == 0 and given.high < 1e9:
        count = f"{given.high + 1:g}"
        return diagnose("E0341", span, base=base, index=index, size=size, classes=count)
    found = describe(given)
    return diagnose("E0342", span, base=base, index=index, last=size - 1, found=found)
