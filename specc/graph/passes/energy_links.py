"""The sizes of the links in an energy, from the values that stand beside them.

They follow the rule of shape inference: an operation entry by entry gives the shape of its result,
or else of its other side, to a link.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct, field

from specc.catalog.entry import Shape
from specc.catalog.registry import FUNCTIONS
from specc.graph.linear_maps import LinearMaps
from specc.graph.nodes import Deterministic, Node
from specc.graph.passes.expression_shapes import shape_beside
from specc.language.expressions.tree import Binary, Call, Expression, Name, Negate
from specc.language.expressions.walk import calls, children


class LinkSizes(Struct, frozen=True):
    """The shape of the argument of a link and of its result, as far as they are known."""

    input: Shape | None
    output: Shape | None

    def of(self, call: Call) -> Shape | None:
        """The shape of the result of a call of the link, or of its transpose."""
        return self.input if call.transposed else self.output


class EnergyLinks(Struct):
    """Visits the expressions of an energy; `found` has the sizes of each link at its first use."""

    maps: LinearMaps
    nodes: Mapping[str, Node]
    shape_of: Callable[[Expression], Shape | None]
    sizes: Callable[[tuple[Expression, ...]], Shape | None]
    found: dict[str, LinkSizes] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def visit(self, e: Expression, expected: Shape | None) -> None:
        """Records the links in an expression; `expected` is the shape that its context needs."""
        match e:
            case Name(id=name):
                self._node(name, expected)
            case Negate(operand=operand):
                self.visit(operand, expected)
            case Binary():
                self._binary(e, expected)
            case Call() if self.maps.is_link(e):
                self._link(e, expected)
            case Call(function=function, arguments=arguments):
                entry = FUNCTIONS.get(function)
                keeps = entry is not None and entry.elementwise and len(arguments) == 1
                for argument in arguments:
                    self.visit(argument, expected if keeps else None)
            case _:
                for child in children(e):
                    self.visit(child, None)

    def _node(self, name: str, expected: Shape | None) -> None:
        node = self.nodes.get(name)
        if isinstance(node, Deterministic) and name not in self.seen:
            self.seen.add(name)
            stated = None if node.sizes is None else self.sizes(node.sizes)
            self.visit(node.value, expected if stated is None else stated)

    def _binary(self, e: Binary, expected: Shape | None) -> None:
        sides = (e.left, e.right)
        linked = [any(self.maps.is_link(call) for call in calls(side)) for side in sides]
        order = (1, 0) if linked[0] and not linked[1] else (0, 1)
        other: Shape | None = None
        for side in order:
            is_known = expected is not None and e.operator != "@"
            self.visit(sides[side], expected if is_known else shape_beside(e, side, other))
            other = self.shape_of(sides[side])

    def _link(self, e: Call, expected: Shape | None) -> None:
        for argument in e.arguments:
            self.visit(argument, None)
        shapes = [self.shape_of(argument) for argument in e.arguments]
        only = shapes[0] if len(shapes) == 1 else None
        own = (expected, only) if e.transposed else (only, expected)
        if self.found.get(e.function, LinkSizes(None, None)) == LinkSizes(None, None):
            self.found[e.function] = LinkSizes(*own)
