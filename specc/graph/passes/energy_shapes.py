"""The shapes of the parts of an energy, as far as they are known before types are inferred.

The derivation of conditionals needs to know where a value is repeated: the entries of a term with
fewer entries than a node count once for each entry of the node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from specc.catalog.arithmetic import broadcast, matmul_shape
from specc.catalog.entry import Shape, ShapeMismatch
from specc.catalog.registry import FUNCTIONS
from specc.graph.constants import SIZE_OF, number_of
from specc.graph.graph import DataField
from specc.graph.linear_maps import NO_LINKS, LinearMaps
from specc.graph.nodes import Deterministic, Node
from specc.graph.passes.energy_links import EnergyLinks, LinkSizes
from specc.graph.ranks import UNKNOWN, rank_of
from specc.language import nested
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Index,
    Name,
    Negate,
    Number,
    Sequence,
)


class EnergyShapes:
    """The shapes and the numbers of axes of expressions over the nodes of one program."""

    def __init__(
        self,
        nodes: Mapping[str, Node],
        fields: Mapping[str, DataField],
        constants: Mapping[str, object],
        energy: Expression | None = None,
        maps: LinearMaps = NO_LINKS,
    ) -> None:
        self.nodes, self.fields, self.constants = nodes, fields, constants
        self._shapes: dict[str, Shape | None] = {}
        self._ranks: dict[str, int] = {}
        self.links: dict[str, LinkSizes] = {}
        if energy is not None and maps.links:
            EnergyLinks(maps, nodes, self.of, self._sizes, self.links).visit(energy, ())
            self._shapes.clear()  # those of nodes with links in them
            self._ranks.clear()

    def of_name(self, name: str) -> Shape | None:
        """The shape of a node or a constant; None if it is not known."""
        if name not in self._shapes:
            self._shapes[name] = None  # while it is found: a node may depend on itself, an error
            self._shapes[name] = self._of_name(name)
        return self._shapes[name]

    def _of_name(self, name: str) -> Shape | None:
        node = self.nodes.get(name)
        if node is None:
            return nested.shape(self.constants.get(name)) or ()
        if isinstance(node, Deterministic) and (found := self.of(node.value)) is not None:
            return found  # the shape that it states is that of links in its value
        if node.sizes is not None:
            return self._sizes(node.sizes)
        if (options := getattr(node, "options", None)) and node.entry is not None:
            is_vector = len(options) == len(node.entry.result_dims) == 1
            return self._sizes(tuple(options.values())) if is_vector else ()
        if isinstance(node, Deterministic):
            return None
        field = self.fields.get(node.field or "")
        return () if field is None else field.shape

    def _sizes(self, sizes: tuple[Expression, ...]) -> Shape | None:
        def of_node(name: str) -> Shape | None:
            return self.of_name(name) if name in self.nodes else None

        found = [number_of(size, self.constants, of_node) for size in sizes]
        whole = tuple(size for size in found if isinstance(size, int))
        return whole if len(whole) == len(found) else None

    def of(self, e: Expression) -> Shape | None:
        """The shape of an expression; None if it is not known."""
        match e:
            case Number():
                return ()
            case Name(id=name):
                return self.of_name(name)
            case Negate(operand=operand):
                return self.of(operand)
            case Binary():
                return self._binary(e)
            case Call():
                return self._call(e)
            case Sequence(items=items):
                item = self.of(items[0])
                return None if item is None else (len(items), *item)
            case Index(base=base, indices=indices):
                whole, entries = self.of(base), indices[self._plates(base) :]
                chosen = self._broadcast(entries)
                if whole is None or chosen is None:
                    return None
                return (*chosen, *whole[len(entries) :])
        return None

    def _broadcast(self, parts: Iterable[Expression]) -> Shape | None:
        """The shape to which expressions broadcast; None if it is not known."""
        joined: Shape | None = ()
        for shape in map(self.of, parts):
            joined = None if joined is None or shape is None else broadcast(joined, shape)
        return joined

    def _plates(self, base: Expression) -> int:
        """The number of indices that choose the element of a plate, not an entry."""
        node = self.nodes.get(base.id) if isinstance(base, Name) else None
        return int(node is not None and node.plate is not None)

    def _binary(self, e: Binary) -> Shape | None:
        left, right = self.of(e.left), self.of(e.right)
        if left is None or right is None:
            return None
        if e.operator != "@":
            return broadcast(left, right)
        try:
            return matmul_shape(left, right)
        except ShapeMismatch:
            return None

    def _call(self, e: Call) -> Shape | None:
        if e.function == SIZE_OF:
            return ()
        if e.function in self.links:
            return self.links[e.function].of(e)
        entry = FUNCTIONS.get(e.function)
        if entry is None:
            return None
        shapes = [
            self._sizes((argument,)) if place in entry.sizes else self.of(argument)
            for place, argument in enumerate(e.arguments)
        ]
        known = tuple(shape for shape in shapes if shape is not None)
        least, most = entry.arity
        if len(known) < len(shapes) or not least <= len(known) <= (most or len(known)):
            return None  # a wrong number of arguments is reported with the other calls
        try:
            return entry.shape(known)
        except ShapeMismatch:
            return None

    def rank(self, e: Expression) -> int:
        """The number of axes of an expression."""
        return rank_of(e, self._rank_of_name, self._rank_of_link)

    def _rank_of_link(self, call: Call) -> int:
        known = self.links[call.function].of(call) if call.function in self.links else None
        return UNKNOWN if known is None else len(known)

    def _rank_of_name(self, name: str) -> int:
        if name not in self._ranks:
            self._ranks[name] = 0  # as above
            self._ranks[name] = self._number_of_axes(name)
        return self._ranks[name]

    def _number_of_axes(self, name: str) -> int:
        node, shape = self.nodes.get(name), self.of_name(name)
        if node is None:
            return len(shape or ())
        if shape is None and isinstance(node, Deterministic) and node.sizes is None:
            return self.rank(node.value)
        sizes = node.sizes if shape is None and node.sizes is not None else shape or ()
        return len(sizes) + int(node.plate is not None)
