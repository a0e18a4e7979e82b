"""What the generated code will hold, decided in full before a line of it is written.

Explaining and emitting are two visitors of this plan; neither computes what it lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from specc.catalog.causal import Causal
from specc.catalog.constrain import Constrainer
from specc.catalog.entry import Alternative, Distribution, Lowered, Parameter, Shape
from specc.diagnostics.source import Span
from specc.graph.graph import LinkNode, Node, Type, TypedGraph
from specc.language.expressions.tree import Call, Expression
from specc.objective.objective import Objective


@dataclass(frozen=True, slots=True)
class LinkModule:
    """A link as a torch module of its program."""

    attribute: str
    link: LinkNode
    lowered: Lowered
    inputs: tuple[Shape, ...]
    input: Shape
    tail: Tail | None = None

    @property
    def output(self) -> Shape:
        """The shape of what the link gives, at its end."""
        return self.lowered.output if self.tail is None else self.tail.lowered.output


@dataclass(frozen=True, slots=True)
class Tail:
    """The last layers of a causal link, which stand apart from its trunk."""

    attribute: str
    lowered: Lowered


@dataclass(frozen=True, slots=True)
class Head:
    """The last layer between a trunk and one parameter of a node, and the map onto its support."""

    attribute: str
    lowered: Lowered
    constrainer: Constrainer
    node: Node
    parameter: Parameter


@dataclass(frozen=True, slots=True)
class Learnt:
    """A learnt tensor: a parameter node, or the point of a latent that is drawn as `delta`.

    `raw` is the attribute that holds unconstrained numbers; it is `attribute` itself where the
    support is all real numbers.
    """

    attribute: str
    raw: str
    node: Node
    shape: Shape
    constrainer: Constrainer
    span: Span


@dataclass(frozen=True, slots=True)
class Buffer:
    """A constant tensor that moves to the device with its module.

    It is filled with `value`, unless it has `values`; `made` is a call of torch that makes them.
    """

    attribute: str
    values: tuple[object, ...] | None
    shape: Shape
    value: float = 0.0
    made: str = ""


@dataclass(frozen=True, slots=True)
class Argument:
    """One parameter of a factor: a plain number, an expression, or a head on the factor's trunk.

    `own` is the shape of the expression itself, before it broadcasts to `shape`; `plates` are those
    over which it varies, and `inputs` the nodes that it uses.
    """

    parameter: Parameter
    local: str
    shape: Shape
    number: float | None = None
    expression: Expression | None = None
    alternative: Alternative | None = None
    head: Head | None = None
    buffer: Buffer | None = None
    own: Shape = ()
    plates: frozenset[str] = frozenset()
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flow:
    """The bijections between a node's draw and its value, and what the code calls them.

    `push` and `pull` are the methods that go through them all, either way; `base` and `log_det` the
    variables that hold the draw and the log-determinant. `inputs` are the nodes in their contexts.
    `scored` says that a draw's own density is asked for, so that its log-determinant comes with the
    push.
    """

    steps: tuple[Call, ...]
    push: str
    pull: str
    base: str
    log_det: str
    inputs: tuple[str, ...]
    stochastic: bool
    scored: bool


@dataclass(frozen=True, slots=True)
class Factor:
    """One conditional density of a program: p(x | z) or q(z | x).

    `inputs` are the nodes that it depends on, `given` those that its parameters do. `drawn` is the
    shape of what its distribution draws, which `flow` takes to a value. `causal` is the network by
    which each entry depends on those before it. On the plate `scan` of a sequence `lengths` is the
    node that says how many steps count.
    """

    node: Node
    entry: Distribution
    type: Type
    method: str
    inputs: tuple[str, ...]
    given: tuple[str, ...]
    arguments: tuple[Argument, ...]
    trunk: Expression | None
    symbol: str
    story: str
    drawn: Shape
    scan: str | None = None
    lengths: str | None = None
    flow: Flow | None = None
    causal: LinkModule | None = None

    @property
    def values(self) -> tuple[str, ...]:
        """The names of the random values that the density is of: several, if the draw has parts."""
        return self.node.values

    @property
    def tensors(self) -> tuple[Argument, ...]:
        """The parameters that are computed: all but plain numbers."""
        return tuple(a for a in self.arguments if a.number is None)

    @property
    def event_axes(self) -> int:
        """How many axes of log_prob belong to the event and are summed."""
        return len(self.drawn) - len(self.entry.result_dims)

    @property
    def needs(self) -> tuple[str, ...]:
        """The nodes whose values its density takes, beside its own."""
        return self.inputs if self.lengths is None else (*self.inputs, self.lengths)

    @property
    def has_mean(self) -> bool:
        """Whether the mean of the node, given its parameters, is that of its distribution."""
        return self.entry.mean and self.flow is None and self.causal is None

    @property
    def members(self) -> int:
        """How many orders of its entries the density is the mean of; there is an axis of them."""
        if self.causal is None:
            return 1
        link = self.causal.link
        return link.entry.members(link.options) if isinstance(link.entry, Causal) else 1


@dataclass(frozen=True, slots=True)
class Missing:
    """What the code calls things of data that may be missing.

    `known` says where there is a value: for each row, and for each entry along the first `rank`
    axes of an event. `share` is the share of rows with one, `data` the values as they are read,
    `drawn` those of the guide, and `fits` which of all values agree with what is known. Where
    nothing `fills` what is missing, it is left out of the density.
    """

    node: str
    known: str
    share: str
    data: str
    drawn: str
    fits: str
    rank: int
    fills: bool


@dataclass(frozen=True, slots=True)
class Let:
    """A deterministic node: a method of its program; one that is a known number has a `buffer`."""

    node: Node
    type: Type
    method: str
    inputs: tuple[str, ...]
    expression: Expression
    buffer: Buffer | None = None


@dataclass(frozen=True, slots=True)
class Before:
    """The value of a node at the step before, or after in a reverse sequence: `z_before`.

    Before the first step it is `number`, or what `method` computes. In a reverse sequence the first
    step of a row is its last one, which `lengths` tells.
    """

    node: Node
    type: Type
    base: str
    is_before: bool
    number: int | float | None
    method: str
    inputs: tuple[str, ...]
    initial: Expression
    lengths: str | None = None


@dataclass(frozen=True, slots=True)
class ProgramPlan:
    """One generated class.

    `loops` are the nodes that depend on each other from step to step of a sequence, and so are
    drawn step by step together; `let_loops` those among them that are so without their draws.
    """

    name: str
    class_name: str
    letter: str
    modules: tuple[LinkModule, ...]
    heads: tuple[Head, ...]
    learnt: tuple[Learnt, ...]
    buffers: tuple[Buffer, ...]
    factors: Mapping[str, Factor]
    lets: Mapping[str, Let]
    order: tuple[str, ...]
    befores: Mapping[str, Before]
    loops: tuple[tuple[str, ...], ...]
    let_loops: tuple[tuple[str, ...], ...]

    @property
    def written(self) -> tuple[str, ...]:
        """The nodes that the spec declares, in order."""
        return tuple(name for name in self.order if name not in self.befores)

    def loop_of(self, name: str) -> tuple[str, ...]:
        """The nodes that are drawn step by step together with this one; none if it need not be."""
        return next((loop for loop in self.loops if name in loop), ())

    def let_loop_of(self, name: str) -> tuple[str, ...]:
        """The deterministic nodes that are computed step by step together with this one."""
        return next((loop for loop in self.let_loops if name in loop), ())


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the generated code, the manifest and `explain` say."""

    graph: TypedGraph
    objective: Objective
    programs: Mapping[str, ProgramPlan]
    python: Mapping[str, str]
    data: tuple[str, ...]
    source: str
    masks: Mapping[str, str]
    missing: Mapping[str, Missing]

    @property
    def filled(self) -> frozenset[str]:
        """The data of which values are drawn where they are missing."""
        return frozenset(name for name, missing in self.missing.items() if missing.fills)

    def dtype(self, name: str) -> str:
        """The type of the numbers of data: the one asked for, whole numbers for what indexes."""
        node = self.graph.graph.model.nodes[name]
        field = self.graph.graph.fields.get(node.field or "")
        asked = field.transforms.get("dtype") if field is not None else None
        if asked is not None:
            return str(asked)
        indexes = node.plate_index is not None or node.id in self.graph.classes
        return "int64" if indexes else "float32"

    @property
    def counted(self) -> tuple[str, ...]:
        """What says how many rows there are: data, or, in a program without any, row numbers."""
        return self.data[:1] or (ROW,)

    def with_known(self, names: Iterable[str]) -> tuple[str, ...]:
        """Names of data, and behind each that may be missing the key of where it is known."""
        found: dict[str, None] = {}
        for name in names:
            found[name] = None
            if name in self.missing:
                found[known_key(name)] = None
        return tuple(found)


ROW = "row()"
"""What stands, among the names of nodes, for the numbers of the rows of a program without data."""


def known_key(name: str) -> str:
    """What stands for `x_known` among the names of nodes."""
    return f"known({name})"


def data_of(name: str) -> str:
    """The data of which a name among those of nodes says where it is known; else the name."""
    return name[len("known(") : -1] if name.startswith("known(") else name
