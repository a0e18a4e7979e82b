"""The graph of a spec: programs of frozen nodes, and the links and plates that they share.

A `Graph` knows names and roles; a `TypedGraph` adds what each node's value is. networkx serves the
algorithms (order, ancestors, cycles); what a node is, its type in `specc.graph.nodes` holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from specc.catalog.entry import Function, Lowered, Shape
from specc.catalog.supports import Support
from specc.diagnostics.source import Span
from specc.graph.nodes import Lagged, Node, NodeId
from specc.language.expressions.tree import Expression, Index, Name
from specc.language.expressions.walk import fold

if TYPE_CHECKING:
    import networkx as nx

    from specc.catalog.link import Average, LinkOptions
    from specc.catalog.registry import Kind
    from specc.language.schema.spec import Spec

MODEL = "model"
GUIDE = "guide"
DATA = "data"
"""What stands for the data in a reference: `data.x`."""
NETWORKS = "networks"
"""The program of what losses compute from values of the others, and of the links they apply."""
ROWS = "rows"
"""The plate of local nodes: one repetition a data row."""


@dataclass(frozen=True, slots=True)
class Scan:
    """The plate of a sequence: its steps, and the given node that holds how many a row has."""

    steps: int
    lengths: str | None


@dataclass(frozen=True, slots=True)
class LinkNode:
    """A named neural network, or bijection: its catalog entry and its validated options.

    Those of a link that averages another are the other's, and `average` names it.
    """

    name: str
    entry: Kind
    options: LinkOptions
    span: Span
    average: Average | None = None


@dataclass(frozen=True, slots=True)
class DataField:
    """What a data field holds, as far as it is known without reading the data."""

    name: str
    origin: str | tuple[str, ...]
    shape: Shape | None
    support: Support | None
    picture: Shape | None
    span: Span
    transforms: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Program:
    """One directed graph of nodes; an edge runs from what is used to its user.

    `copy_of` is the program whose nodes this one has copies of, and `names` what each name of that
    program is called here. A copy is a draw inside a loss, whose names start with that of the
    program, and a dot; or its densities, where `is_evaluated`, at values that have other names.
    """

    name: str
    nodes: Mapping[str, Node]
    digraph: nx.DiGraph[str]
    order: tuple[str, ...]
    inputs: tuple[str, ...]
    copy_of: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    is_evaluated: bool = False

    @property
    def is_draw(self) -> bool:
        """Whether its nodes are drawn inside a loss."""
        return bool(self.copy_of) and not self.is_evaluated

    @property
    def written(self) -> tuple[str, ...]:
        """The nodes that the spec declares, in order: all but lagged values and copies."""
        own = ((name, self.nodes[name]) for name in self.order)
        return tuple(n for n, v in own if not isinstance(v, Lagged) and not v.is_copy)


def draw_of(program: str) -> str:
    """The name of the program that is a draw of another."""
    return f"{program}.draw"


def evaluated_at(program: str, values: str) -> str:
    """The name of the program that has the densities of one at the values of another."""
    return f"{program}@{values}"


@dataclass(frozen=True, slots=True)
class Graph:
    """All programs of a spec with what they share.

    `links` and `functions` are what a call can be of, each with its entry in the catalog;
    `functions` has those alone that the spec calls.
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
        """The programs that the spec declares: all but the draws of others, and `networks`."""
        return {n: p for n, p in self.programs.items() if not p.copy_of and n != NETWORKS}

    def size_of(self, plate: str) -> int:
        """How many elements a plate has, or how many steps a sequence."""
        return self.scans[plate].steps if plate in self.scans else self.plates[plate]

    def node(self, node_id: NodeId) -> Node:
        """The node of that program and name."""
        return self.programs[node_id[0]].nodes[node_id[1]]

    def lookup(self, program: str, name: str) -> Node | None:
        """The node that `name` means inside `program`: its own, else the model's data.

        A name with a dot is that of a node of another program, in a draw of it where there is one.
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
        """Whether `name` is a link, be it one that could not be read."""
        return name in self.links or self.spec.unread.holds("links", name)

    def is_average(self, name: str) -> bool:
        """Whether `name` is a link whose weights follow those of another."""
        return name in self.links and self.links[name].average is not None

    def is_unread(self, program: str, name: str) -> bool:
        """Whether `name`, used inside `program`, may be something that could not be read."""
        if self.lookup(program, name) is not None or name in self.constants:
            return False
        return (
            self.spec.unread.holds("constants", name)
            or self.spec.is_unread(program, name)
            or (program != MODEL and self.spec.is_unread(MODEL, name))
        )

    @property
    def model(self) -> Program:
        """The program of the generative model."""
        return self.programs[MODEL]

    @property
    def guide(self) -> Program | None:
        """The inference network, where the spec has one."""
        return self.programs.get(GUIDE)


@dataclass(frozen=True, slots=True)
class Type:
    """What one value of a node is: the event's shape, the set it lies in, and what repeats it."""

    shape: Shape
    support: Support
    plates: tuple[str, ...]

    @property
    def is_local(self) -> bool:
        """Whether each data row has its own value."""
        return ROWS in self.plates


@dataclass(frozen=True, slots=True)
class LinkUse:
    """One place where a link is applied, with the sizes that follow from it.

    `output` is None where the link is the trunk under one linear head a parameter (`params:`).
    """

    link: str
    node: NodeId
    argument: str
    inputs: tuple[Shape, ...]
    output: Shape | None
    span: Span


@dataclass(frozen=True, slots=True)
class SizedLink:
    """A link with every size known.

    `program` is the first that uses it, whose module it is; the others share it. `input` is what it
    takes once its arguments are joined. `module` are its layers, up to the heads where it feeds
    `params:`; `heads` the last layers, by node and parameter: nodes of one name in two programs
    share them. A causal link takes its context beside its input, so its last layers are separate:
    in `tail`, where it feeds no heads.
    """

    program: str
    input: Shape
    module: Lowered
    heads: Mapping[tuple[str, str], Lowered]
    tail: Lowered | None = None


@dataclass(frozen=True, slots=True)
class TypedGraph:
    """A graph whose every node has a type, every parameter a shape, and every link its sizes.

    `classes` holds, for nodes whose values are class numbers, how many classes there are: such a
    value enters a link one-hot. `bases` holds the shape of the draw of nodes that go through
    bijections. `given` holds the shapes of parameters as they are written, before
    they broadcast to those in `parameters`.
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
        """The type of what `name` means inside `program`."""
        node = self.graph.lookup(program, name)
        assert node is not None
        return self.types[node.id]

    def plates_of(self, program: str, expression: Expression) -> frozenset[str]:
        """The plates over which a value of `program` varies, other than by an index."""

        def combine(part: Expression, inside: tuple[frozenset[str], ...]) -> frozenset[str]:
            if isinstance(part, Name):
                node = self.graph.lookup(program, part.id)
                return frozenset(self.types[node.id].plates if node is not None else ())
            if isinstance(part, Index) and isinstance(part.base, Name):
                base = self.graph.lookup(program, part.base.id)
                inside = inside[1:] if base is not None and base.plate is not None else inside
            return frozenset().union(*inside)

        return fold(expression, combine)
