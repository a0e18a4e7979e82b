"""The graph of a spec: programs of frozen nodes, and the links and plates that they share.

A `Graph` knows names and roles; a `TypedGraph` adds what each node's value is. networkx serves the
algorithms (order, ancestors, cycles); what a node is stands in the `Node` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from specc.catalog.draws import index as draws
from specc.catalog.entry import Distribution, Lowered, Shape
from specc.catalog.supports import Support
from specc.diagnostics.source import Span
from specc.language.expressions.tree import Call, Expression, Index, Name
from specc.language.expressions.walk import children

if TYPE_CHECKING:
    import networkx as nx

    from specc.catalog.kinds import Kind
    from specc.catalog.link import LinkOptions
    from specc.language.schema.spec import Spec

Role = Literal["latent", "observed", "given", "let", "parameter", "joint", "shift"]
NodeId = tuple[str, str]

MODEL = "model"
GUIDE = "guide"
ROWS = "rows"
"""The plate of local nodes: one repetition a data row."""


@dataclass(frozen=True, slots=True)
class DrawChoice:
    """A draw as the spec asks for it: its kind and the options written with it."""

    kind: str
    options: Mapping[str, str]
    span: Span


@dataclass(frozen=True, slots=True)
class Shift:
    """Which node a shifted value is of, and by how many steps: -1 is the step before."""

    base: str
    offset: int


@dataclass(frozen=True, slots=True)
class Scan:
    """The plate of a sequence: its steps, and the given node that says how many a row has."""

    steps: int
    lengths: str | None


@dataclass(frozen=True, slots=True)
class Node:
    """A named variable of one program, as resolved from the spec.

    `through` are the bijections that a draw of its distribution goes through, the first one first,
    each with what conditions it. On the plate `scan` of a sequence `initial` is the value before
    the first step; in a `reverse` sequence the first step is the last. A node of the role `shift`
    is the value of another at the step before: what `z[t-1]` means. A joint
    node is one draw of its `parts`; each of them is a node of its own, of which it is the `whole`.
    `missing` is the draw of an observed node where it has no value.
    """

    program: str
    name: str
    role: Role
    span: Span
    entry: Distribution | None = None
    arguments: Mapping[str, Expression] = None  # type: ignore[assignment]
    argument_spans: Mapping[str, Span] = None  # type: ignore[assignment]
    params: Expression | None = None
    value: Expression | None = None
    support: Support | None = None
    sizes: tuple[Expression, ...] | None = None
    options: Mapping[str, Expression] = None  # type: ignore[assignment]
    plate: str | None = None
    plate_index: str | None = None
    is_global: bool = False
    field: str | None = None
    draw: DrawChoice | None = None
    missing: DrawChoice | None = None
    init: float | str | tuple[float, ...] | None = None
    scan: str | None = None
    initial: Expression | None = None
    reverse: bool = False
    shift: Shift | None = None
    through: tuple[Call, ...] = ()
    parts: tuple[str, ...] = ()
    whole: str | None = None

    @property
    def id(self) -> NodeId:
        """Program and name."""
        return self.program, self.name

    @property
    def is_random(self) -> bool:
        """Whether the node has a density of its own."""
        return self.entry is not None

    @property
    def is_variable(self) -> bool:
        """Whether the node is a random value: with a density of its own, or a part of a draw."""
        return self.role in ("latent", "observed")

    @property
    def values(self) -> tuple[str, ...]:
        """The random values that its density is of: its own, or those of its parts."""
        return self.parts or (self.name,)

    @property
    def is_drawn(self) -> bool:
        """Whether a value of it is drawn: of latents, and of data where some is missing."""
        return self.role == "latent" or (self.missing is not None and not self.is_left_out)

    @property
    def is_stepped(self) -> bool:
        """Whether it is learnt with a value of its own for each step of a sequence."""
        return self.role == "parameter" and self.scan is not None

    @property
    def is_left_out(self) -> bool:
        """Whether entries without a value are integrated out, rather than drawn."""
        return self.missing is not None and draws.draw(self.missing.kind).leaves_out

    def own_expressions(self) -> tuple[Expression, ...]:
        """The expressions of its parameters, or of its value."""
        own = tuple(self.arguments.values())
        single = (self.params, self.value, self.initial if self.shift is not None else None)
        return own + tuple(e for e in single if e is not None)

    def expressions(self) -> tuple[Expression, ...]:
        """Every expression that the node's value depends on, at one step of a sequence."""
        return self.own_expressions() + self.through


@dataclass(frozen=True, slots=True)
class LinkNode:
    """A named neural network, or bijection: its catalog entry and its validated options."""

    name: str
    entry: Kind
    options: LinkOptions
    span: Span


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
    """One directed graph of nodes; an edge runs from what is used to its user."""

    name: str
    nodes: Mapping[str, Node]
    digraph: nx.DiGraph[str]
    order: tuple[str, ...]
    inputs: tuple[str, ...]

    @property
    def written(self) -> tuple[str, ...]:
        """The nodes that the spec declares, in order: all but those that `z[t-1]` stands for."""
        return tuple(name for name in self.order if self.nodes[name].shift is None)


@dataclass(frozen=True, slots=True)
class Graph:
    """All programs of a spec with what they share."""

    spec: Spec
    programs: Mapping[str, Program]
    links: Mapping[str, LinkNode]
    plates: Mapping[str, int]
    scans: Mapping[str, Scan]
    constants: Mapping[str, object]
    fields: Mapping[str, DataField]

    def size_of(self, plate: str) -> int:
        """How many elements a plate has, or how many steps a sequence."""
        return self.scans[plate].steps if plate in self.scans else self.plates[plate]

    def node(self, node_id: NodeId) -> Node:
        """The node of that program and name."""
        return self.programs[node_id[0]].nodes[node_id[1]]

    def lookup(self, program: str, name: str) -> Node | None:
        """The node that `name` means inside `program`: its own, else the model's data."""
        own = self.programs[program].nodes.get(name)
        if own is not None or program == MODEL:
            return own
        return self.programs[MODEL].nodes.get(name)

    def is_link(self, name: str) -> bool:
        """Whether `name` is a link, be it one that could not be read."""
        return name in self.links or self.spec.unread.holds("links", name)

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
        """The generative story."""
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

    `program` is where it is used, `input` what it takes once its arguments are joined. `module` are
    its layers, up to the heads where it feeds `params:`; `heads` the last layers, by node and
    parameter. A causal link takes its context beside its input, so its last layers stand apart: in
    `tail`, where it feeds no heads.
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
        if isinstance(expression, Index) and isinstance(expression.base, Name):
            base = self.graph.lookup(program, expression.base.id)
            if base is not None and base.plate is not None:
                inside = (self.plates_of(program, index) for index in expression.indices)
                return frozenset().union(*inside)
        if isinstance(expression, Name):
            node = self.graph.lookup(program, expression.id)
            return frozenset(self.types[node.id].plates if node is not None else ())
        found = (self.plates_of(program, child) for child in children(expression))
        return frozenset().union(*found)
