"""The graph of a spec: programs of frozen nodes, and the links and plates that they share.

A `Graph` has the names and roles of nodes; a `TypedGraph` adds the shape, support and plates of
their values. networkx has the algorithms (order, ancestors, cycles); `specc.graph.nodes` defines
the types of nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from specc.catalog.entry import Function, Lowered, Shape
from specc.catalog.supports import Support
from specc.diagnostics.source import Span
from specc.graph.nodes import EnergyNode, Lagged, Node, NodeId
from specc.language.expressions.tree import Expression, Index, Name, Over
from specc.language.expressions.walk import fold

if TYPE_CHECKING:
    import networkx as nx

    from specc.catalog.link import Average, LinkOptions
    from specc.catalog.registry import Kind
    from specc.language.schema.spec import Spec

MODEL = "model"
GUIDE = "guide"
DATA = "data"
"""The name of the data in a reference, `data.x`, which no program can have."""
NETWORKS = "networks"
"""The program of values that losses compute from nodes of other programs, such as `d(model.x)`."""
ENERGY = "energy"
"""The name of the node with the energy of a program."""
FREE_ENERGY = "free_energy"
"""The name of the node with the energy of the observed nodes alone, the others summed out."""
LOG_BASE = "log_base"
"""The name of the node with the log of the base measure of the observed nodes of an energy."""
ROWS = "rows"
"""The plate of local nodes: one element for each data row."""


class Scan(Struct, frozen=True):
    """A plate in each row: the number of steps, and the given node with the row lengths.

    The elements of a set have no order, those of a sequence have one.
    """

    steps: int
    lengths: str | None
    is_ordered: bool = True

    @property
    def key(self) -> str:
        """The key of its number of steps in the spec."""
        return "scan" if self.is_ordered else "size"


class LinkNode(Struct, frozen=True):
    """A named neural network or bijection: its catalog entry and its validated options.

    A link that averages the weights of another has the entry and the options of that link, and
    `average` names that link.
    """

    name: str
    entry: Kind
    options: LinkOptions
    span: Span
    average: Average | None = None


class DataField(Struct, frozen=True):
    """The type of a data field, as far as it is known before the data are read.

    `source` is the name of its source, if there are several.
    """

    name: str
    origin: str | tuple[str, ...]
    shape: Shape | None
    support: Support | None
    picture: Shape | None
    span: Span
    transforms: Mapping[str, object]
    source: str = ""


class Program(Struct, frozen=True):
    """A directed graph of nodes; an edge leads from a node to a node that uses it.

    `copy_of` is the program whose nodes this program copies ("" if it is declared in the spec), and
    `names` maps each name of that program to its name here. A copy is either a draw inside a loss,
    whose nodes have names such as `model.x`, or, if `is_evaluated`, the densities of nodes at the
    values of another program.

    With an `energy` the density of the random nodes that it depends on, the *units*, is
    exp(-E) / Z. The arguments of each unit are then those of its distribution given all other
    units, so no edge leads to it from another unit. All other random nodes are drawn given their
    parents, as in a directed program.
    """

    name: str
    nodes: Mapping[str, Node]
    digraph: nx.DiGraph[str]
    order: tuple[str, ...]
    inputs: tuple[str, ...]
    copy_of: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    is_evaluated: bool = False
    energy: EnergyNode | None = None

    @property
    def is_draw(self) -> bool:
        """Whether the program is a draw of another inside a loss."""
        return bool(self.copy_of) and not self.is_evaluated

    @property
    def units(self) -> tuple[str, ...]:
        """The random nodes that an energy depends on, in order; none of a directed program."""
        if self.energy is None:
            return ()
        return tuple(name for name in self.order or self.nodes if name in self.energy.units)

    @property
    def declared(self) -> tuple[str, ...]:
        """The declared nodes in topological order: without lagged nodes and copies."""
        own = ((name, self.nodes[name]) for name in self.order)
        return tuple(n for n, v in own if not isinstance(v, Lagged) and not v.is_copy)


def draw_of(program: str) -> str:
    """The name of the program with a draw of `program`: `model.draw`."""
    return f"{program}.draw"


def evaluated_at(program: str, values: str) -> str:
    """The name of the program with densities of `program` at other values: `guide@model`."""
    return f"{program}@{values}"


class Graph(Struct, frozen=True):
    """All programs of a spec, with the links, plates, constants and data fields that they share.

    `functions` has the catalog entry of each function that the spec calls.
    """

    spec: Spec
    programs: Mapping[str, Program]
    links: Mapping[str, LinkNode]
    functions: Mapping[str, Function]
    plates: Mapping[str, int]
    scans: Mapping[str, Scan]
    constants: Mapping[str, object]
    fields: Mapping[str, DataField]

    @property
    def declared(self) -> Mapping[str, Program]:
        """The programs that the spec declares: without copies and without `networks`."""
        return {n: p for n, p in self.programs.items() if not p.copy_of and n != NETWORKS}

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the sources of data; a single one has the name ""."""
        return tuple(self.spec.document.sources) or ("",)

    def size_of(self, plate: str) -> int:
        """The number of elements of a plate, or of steps of a sequence."""
        return self.scans[plate].steps if plate in self.scans else self.plates[plate]

    def node(self, node_id: NodeId) -> Node:
        """The node with this program and name; raises KeyError if there is none."""
        return self.programs[node_id[0]].nodes[node_id[1]]

    def lookup(self, program: str, name: str) -> Node | None:
        """The node that `name` refers to inside `program`, or None.

        It is a node of the program, or else a node of the model. A name with a dot, `model.x`,
        refers to the node in a draw of that program if there is one, or else in the program.
        """
        own = self.programs[program].nodes.get(name)
        if own is not None or program == MODEL:
            return own
        found = self.programs[MODEL].nodes.get(name)
        owner, dot, inside = name.partition(".")
        if found is not None or not dot:
            return found
        for each in (draw_of(owner), owner):
            key = name if each != owner else inside
            if each in self.programs and key in self.programs[each].nodes:
                return self.programs[each].nodes[key]
        return None

    def is_link(self, name: str) -> bool:
        """Whether `name` is a link, including one that could not be read."""
        return name in self.links or self.spec.unread.holds("links", name)

    def is_average(self, name: str) -> bool:
        """Whether `name` is a link whose weights are an average of those of another link."""
        return name in self.links and self.links[name].average is not None

    def is_unread(self, program: str, name: str) -> bool:
        """Whether `name`, used in `program`, may be a node or a constant that could not be read."""
        found = self.lookup(program, name)
        if name in self.constants or (found is not None and found.program == program):
            return False
        if self.spec.is_unread(program, name):
            return True  # it hides a node of the model of this name
        return found is None and (
            self.spec.unread.holds("constants", name)
            or (program != MODEL and self.spec.is_unread(MODEL, name))
        )

    @property
    def model(self) -> Program:
        """The program of the generative model."""
        return self.programs[MODEL]

    @property
    def guide(self) -> Program | None:
        """The guide (the variational distribution), or None if the spec has none."""
        return self.programs.get(GUIDE)


class Type(Struct, frozen=True):
    """The type of a node's value: the shape of one event, its support, and its plates.

    `source` names the source of data to whose rows a local node belongs, if there are several.
    """

    shape: Shape
    support: Support
    plates: tuple[str, ...]
    source: str = ""

    @property
    def is_local(self) -> bool:
        """Whether the node has a separate value for each data row."""
        return ROWS in self.plates


class LinkUse(Struct, frozen=True):
    """A call of a link in a spec, with the shapes of its arguments and of its result.

    `output` is None if the link gives several parameters (`params:`), each by a head of its own.
    `classes` is the number of classes of the values of the node, 0 for other values.
    """

    link: str
    node: NodeId
    argument: str
    inputs: tuple[Shape, ...]
    output: Shape | None
    span: Span
    classes: int = 0


class SizedLink(Struct, frozen=True):
    """A link with all of its sizes.

    `program` is the first program that uses the link; its module contains the layers, and other
    programs share them. `input` is the shape of the joined arguments. `module` has the layers, or
    for `params:` the layers before the heads. `heads` has the last layer for each node and
    parameter; nodes with the same name in two programs share a head. The last layer of a causal
    link without heads is `tail`, because the layers before it also have the context as an argument.
    """

    program: str
    input: Shape
    module: Lowered
    heads: Mapping[tuple[str, str], Lowered]
    tail: Lowered | None = None


class TypedGraph(Struct, frozen=True):
    """A graph with the type of each node, the shape of each parameter and the sizes of each link.

    `classes` has the number of classes of each node whose values are class numbers, which are
    one-hot encoded as inputs of links. `bases` has the shape of the base draw of each node with
    bijections. `given` has the shapes of parameters as the spec gives them, and `parameters` the
    shapes to which they broadcast.
    """

    graph: Graph
    types: Mapping[NodeId, Type]
    parameters: Mapping[tuple[NodeId, str], Shape]
    given: Mapping[tuple[NodeId, str], Shape]
    bases: Mapping[NodeId, Shape]
    classes: Mapping[NodeId, int]
    uses: tuple[LinkUse, ...]
    sized: Mapping[str, SizedLink]

    def type(self, program: str, name: str) -> Type:
        """The type of the node that `name` refers to inside `program`."""
        node = self.graph.lookup(program, name)
        assert node is not None
        return self.types[node.id]

    def plates_of(self, program: str, expression: Expression) -> frozenset[str]:
        """The plates of the nodes in an expression, without a plate that an index selects from."""

        def combine(part: Expression, inside: tuple[frozenset[str], ...]) -> frozenset[str]:
            if isinstance(part, Name):
                node = self.graph.lookup(program, part.id)
                return frozenset(self.types[node.id].plates if node is not None else ())
            if isinstance(part, Index) and isinstance(part.base, Name):
                base = self.graph.lookup(program, part.base.id)
                inside = inside[1:] if base is not None and base.plate is not None else inside
            gone = {part.plate} if isinstance(part, Over) else set[str]()
            return frozenset[str]().union(*inside) - gone

        return fold(expression, combine)
