"""The shape of an expression, and the sizes of the links applied in it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import assert_never

from specc.catalog.arithmetic import broadcast, matmul_shape, show
from specc.catalog.causal import Causal
from specc.catalog.entry import Shape, ShapeMismatch
from specc.catalog.limits import MAX_CONSTANT_ENTRIES
from specc.catalog.link import LinkShapeError
from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.constants import SIZE_OF, ShapeOf, number_of, without_value
from specc.graph.findings import Findings
from specc.graph.graph import Graph, LinkUse
from specc.graph.nodes import Distributed, Node, NodeId
from specc.graph.passes.amounts import too_large, too_many
from specc.graph.passes.indexing import Lookup, check_step, index_shape
from specc.graph.queries import is_bijection, is_derived, is_literal, parameter_of
from specc.language import nested
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Index,
    Member,
    Name,
    Negate,
    Number,
    Over,
    Sequence,
)
from specc.language.expressions.walk import calls


class ExpressionShapes:
    """Infers shapes of expressions; reports errors and returns None for them.

    `uses` are the link applications so far, `lookups` the computed indices, `shapes` those of
    expressions, and `entries` the numbers of entries that the result of a call indexes, by their
    span.
    """

    def __init__(self, graph: Graph, events: Mapping[NodeId, Shape], findings: Findings) -> None:
        self.graph, self.events, self.findings = graph, events, findings
        self.uses: list[LinkUse] = []
        self.classes: dict[NodeId, int] = {}
        self.lookups: list[Lookup] = []
        self.shapes: dict[Span, Shape] = {}
        self.entries: dict[Span, int] = {}

    def fail(self, node: Node, diagnostic: Diagnostic) -> Shape | None:
        """Reports an error of a node; returns None as the shape."""
        self.findings.add(diagnostic, node.id)
        return None

    def number(self, node: Node, expression: Expression) -> int | float | None:
        """The value of a constant expression, else None."""
        return number_of(expression, self.graph.constants, self._shape_of(node))

    def _shape_of(self, node: Node) -> ShapeOf:
        """The shape of the node of a name used in `node`, including data not visited yet."""

        def shape_of(name: str) -> Shape | None:
            found = self.graph.lookup(node.program, name)
            if found is None or found.id in self.events:
                return self.events.get(found.id) if found else None
            field = self.graph.fields.get(found.field) if found.field else None
            return field.shape if field is not None else None

        return shape_of

    def has_link(self, expression: Expression) -> bool:
        """Whether the expression applies a link."""
        return any(self.graph.is_link(c.function) for c in calls(expression))

    def infer(
        self, node: Node, key: str, expression: Expression, expected: Shape | None
    ) -> Shape | None:
        """The shape of an expression of `node`; `expected` determines the sizes of its links."""
        shape = self._inferred(node, key, expression, expected)
        if shape is not None:
            self.shapes[expression.span] = shape
        if shape is None or isinstance(expression, (Name, Number)):
            return shape
        span = expression.span
        found = too_many(f"`{span.text}`", shape, span)
        if without_value(expression, self.graph.constants, self._shape_of(node)):
            table = too_many(f"`{span.text}`", shape, span, MAX_CONSTANT_ENTRIES)
            found = table or diagnose("E0352", span, expression=span.text)
        return shape if found is None else self.fail(node, found)

    def _inferred(
        self, node: Node, key: str, expression: Expression, expected: Shape | None
    ) -> Shape | None:
        """The shape of an expression before its size is checked."""
        match expression:
            case Number():
                return ()
            case Name(id=name):
                return self._name(node, name)
            case Member():
                return None
            case Negate(operand=operand):
                return self.infer(node, key, operand, expected)
            case Binary():
                return self._binary(node, key, expression, expected)
            case Call():
                return self._call(node, key, expression, expected)
            case Index():
                return index_shape(self, node, key, expression)
            case Sequence(items=items):
                return self._sequence(node, key, expression, items)
            case Over():
                return self._over(node, key, expression)
            case _:
                assert_never(expression)

    def _name(self, node: Node, name: str) -> Shape | None:
        found = self.graph.lookup(node.program, name)
        if found is not None:
            return self.events.get(found.id)
        return nested.shape(self.graph.constants[name])

    def _over(self, node: Node, key: str, over: Over) -> Shape | None:
        """The shape of a value from all elements of a plate, or of that on one element."""
        shape, size = self.infer(node, key, over.operand, None), self.graph.size_of(over.plate)
        if over.form.selects and shape is not None and self.one_hot(node, over.operand):
            (self.classes[node.id],) = self.one_hot(node, over.operand)
        is_element = over.index is None or check_step(self, node, key, over, over.index)
        return None if shape is None or not is_element else over.form.shape(shape, size)

    def _sequence(
        self, node: Node, key: str, sequence: Sequence, items: tuple[Expression, ...]
    ) -> Shape | None:
        shapes = [self.infer(node, key, item, None) for item in items]
        if any(shape is None for shape in shapes):
            return None
        if len(set(shapes)) != 1:
            return self.fail(node, diagnose("E0319", sequence.span))
        return (len(items), *(shapes[0] or ()))

    def _binary(
        self, node: Node, key: str, expression: Binary, expected: Shape | None
    ) -> Shape | None:
        elementwise = expression.operator != "@"
        wanted = expected if elementwise else None
        sides = [expression.left, expression.right]
        linked = [self.has_link(side) for side in sides]
        order = [1, 0] if linked[0] and not linked[1] else [0, 1]
        shapes: dict[int, Shape] = {}
        for side in order:
            hint = wanted
            if wanted is None:
                hint = shape_beside(expression, side, shapes.get(1 - side))
            found = self.infer(node, key, sides[side], hint)
            if found is None:
                return None
            shapes[side] = found
        joined = self._join(expression, shapes[0], shapes[1])
        if joined is None:
            return self._mismatch(node, expression, shapes[0], shapes[1])
        return joined

    def _join(self, expression: Binary, left: Shape, right: Shape) -> Shape | None:
        if expression.operator != "@":
            return broadcast(left, right)
        try:
            return matmul_shape(left, right)
        except ShapeMismatch:
            return None

    def _mismatch(self, node: Node, expression: Binary, left: Shape, right: Shape) -> Shape | None:
        labels = (
            Label(expression.left.span, f"shape {show(left)}"),
            Label(expression.right.span, f"shape {show(right)}"),
        )
        return self.fail(
            node,
            diagnose(
                "E0303",
                expression.span,
                labels=labels,
                operator=expression.operator,
                left=show(left),
                right=show(right),
                hint=_join_hint(expression.operator, left, right),
            ),
        )

    def _call(self, node: Node, key: str, call: Call, expected: Shape | None) -> Shape | None:
        if self.graph.is_link(call.function):
            return self._link(node, key, call, expected)
        if call.function == SIZE_OF:
            return ()
        entry = self.graph.functions[call.function]
        hint = expected if entry.elementwise and len(call.arguments) == 1 else None
        hint = () if entry.differentiates else expected if entry.of_function else hint
        known = []
        for position, argument in enumerate(call.arguments):
            shape = self._argument(node, key, argument, hint, position in entry.sizes)
            if shape is None:
                return None
            known.append(shape)
        if entry.indexes:
            self.entries[call.span] = math.prod(known[0])
        if entry.remembers and self.one_hot(node, call.arguments[0]):
            (self.classes[node.id],) = self.one_hot(node, call.arguments[0])
        try:
            return entry.shape(tuple(known))
        except ShapeMismatch as mismatch:
            return self.fail(
                node,
                diagnose("E0304", call.span, function=call.function, problem=str(mismatch)),
            )

    def _argument(
        self, node: Node, key: str, argument: Expression, hint: Shape | None, is_size: bool
    ) -> Shape | None:
        """The shape of an argument; for a size argument, its value."""
        if not is_size:
            return self.infer(node, key, argument, hint)
        value = self.number(node, argument)
        if isinstance(value, int) and value >= 1:
            found = too_large("this size", value, argument.span)
            return (value,) if found is None else self.fail(node, found)
        text = argument.span.text
        return self.fail(node, diagnose("E0306", argument.span, size=text, name=node.name))

    def _link(self, node: Node, key: str, call: Call, expected: Shape | None) -> Shape | None:
        inputs = self.inputs(node, key, call)
        if inputs is None:
            return None
        if call.function not in self.graph.links:
            return expected
        if is_bijection(self.graph.links[call.function].entry):
            return self._bijection(node, key, call, inputs)
        first = next((use for use in self.uses if use.link == call.function), None)
        if call.transposed and first is not None and len(first.inputs) == 1:
            expected = first.inputs[0]
        elif is_derived(self.graph, node) and first is not None:
            expected = first.output  # that in the energy
        elif expected is None and first is not None and self._has_one_size(call):
            expected = first.output
        if expected is None:
            hint = self._size_hint(node, key, call)
            return self.fail(node, diagnose("E0610", call.span, link=call.function, hint=hint))
        output = expected
        if call.transposed:  # a use with input and output interchanged
            inputs, output = (expected,), inputs[0]
        if first is not None and is_literal(call.arguments[0]) and len(call.arguments) == 1:
            # A number stands for an event of that number in each entry.
            inputs, output = first.inputs, (first.output or output) if call.transposed else output
        self.uses.append(LinkUse(call.function, node.id, key, inputs, output, call.span))
        return expected

    def _bijection(
        self, node: Node, key: str, call: Call, inputs: tuple[Shape, ...]
    ) -> Shape | None:
        """The shape of the value of a bijection at a draw, or of the draw of its inverse.

        A draw has the shape of the value, unless another use of the bijection states it.
        """
        link = self.graph.links[call.function]
        assert is_bijection(link.entry)
        taken, context = inputs[0], sum(math.prod(each) for each in inputs[1:])
        uses = [use.output for use in self.uses if use.link == call.function and use.output]
        for value in [taken] if call.inverted else [*dict.fromkeys(uses), taken]:
            try:
                base = link.entry.lower(link.options, value, context).output
            except LinkShapeError as error:
                words = {"link": link.name, "reason": error.reason, "fix": error.fix}
                return self.fail(node, diagnose("E0612", call.span, labels=(), **words))
            if call.inverted or base == taken:
                self.uses.append(LinkUse(call.function, node.id, key, inputs[1:], value, call.span))
                return base if call.inverted else value
        words = {"link": call.function, "given": show(taken), "takes": show(base)}
        return self.fail(node, diagnose("E0347", call.span, labels=(), **words))

    def _has_one_size(self, call: Call) -> bool:
        """Whether the output of a link has the same size in every use, so that one gives it."""
        return not call.transposed and not isinstance(self.graph.links[call.function].entry, Causal)

    def _size_hint(self, node: Node, key: str, call: Call) -> str:
        """The hint for the output size of a link: on the node, or on a separate node.

        A causal link has an output for each entry, so it must be a parameter, or inside an
        elementwise expression of one.
        """
        if isinstance(self.graph.links[call.function].entry, Causal):
            return f"let `{key}` be `{call.span.text}`, with functions of single entries around it"
        own = f"name it in a node with a shape: `h: {{let: {call.span.text}, shape: [...]}}`"
        if isinstance(node, Distributed) and node.arguments.get(key) is call:
            dims = parameter_of(node.entry, key)[0].dims
            option = next((o for o, of in node.entry.options.items() if of in dims), None)
            if option is not None:
                return f"write `{option}: ...`, such as `{option}: 10`, on `{node.name}`"
        if node.value is call or node.arguments.get(key) is call:
            return f"write `shape: [...]` on `{node.name}`"
        return own

    def inputs(self, node: Node, key: str, call: Call) -> tuple[Shape, ...] | None:
        """The shapes of the inputs of a link; class numbers are encoded one-hot."""
        known = []
        for argument in call.arguments:
            shape = self.infer(node, key, argument, None)
            if shape is None:
                return None
            known.append(shape + self.one_hot(node, argument))
        return tuple(known)

    def one_hot(self, node: Node, argument: Expression) -> Shape:
        """The axis of the one-hot encoding: (n,) for a node of n classes, else ().

        The inputs of a causal link from its node are not encoded.
        """
        if not isinstance(argument, Name) or argument.id == node.name:
            return ()
        found = self.graph.lookup(node.program, argument.id)
        count = self.classes.get(found.id) if found is not None else None
        return (count,) if count is not None else ()


def shape_beside(whole: Binary, side: int, other: Shape | None) -> Shape | None:
    """The shape of links on the left (0) or right side of an operation, from the other side.

    A factor of a matrix or a vector is a vector. In `2 * (a - f(x))` the number says nothing about
    f, but `a` does.
    """
    if whole.operator == "@":
        return (other[:1] if side == 0 else other[-1:]) if other else None
    own = (whole.left, whole.right)[side]
    while isinstance(own, Negate):
        own = own.operand
    return None if other == () and isinstance(own, Binary) else other


def _join_hint(operator: str, left: Shape, right: Shape) -> str:
    if operator == "@" and () in (left, right):
        return "`@` joins vectors and matrices; for a number write `*`"
    if operator == "@":
        return "the last size on the left must be the first on the right"
    return "sizes are compared from the right, and must be equal or 1"
