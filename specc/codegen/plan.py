"""The names, modules, tensors and arguments of the generated code.

`specc.codegen.lower` makes functions of a plan, and decides their axes; the manifest and `explain`
read the plan itself, and `specc.codegen.signatures` for what a function takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from specc.catalog.causal import Causal
from specc.catalog.entry import Alternative, Distribution, Lowered, Parameter, Shape
from specc.catalog.transforms import Transform
from specc.diagnostics.source import Span
from specc.graph.graph import LinkNode, Type, TypedGraph
from specc.graph.nodes import Node
from specc.language.expressions.tree import Call, Expression
from specc.objective.experiment import Experiment
from specc.objective.objective import Objective


@dataclass(frozen=True, slots=True)
class Mask:
    """Where the data of a node have values: a value of its own beside them, `x_known`."""

    node: str

    def __str__(self) -> str:
        """As an expression of a spec has it."""
        return f"known({self.node})"


Input = str | Mask
"""What a method takes: the value of a node, by its name, or where data have values."""


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
    constrainer: Transform
    node: Node
    parameter: Parameter


@dataclass(frozen=True, slots=True)
class LearnableParameter:
    """A learnable tensor: a parameter node, or the point of a latent that is drawn as `delta`.

    `raw` is the attribute that holds unconstrained numbers; it is `attribute` itself where the
    support is all real numbers.
    """

    attribute: str
    raw: str
    node: Node
    shape: Shape
    constrainer: Transform
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
class Shared:
    """A module, or a learnable parameter, of another program that this one uses, too.

    `name` is that of the link or the parameter in the spec, `attribute` what this program's class
    calls it, and `original` what the class of `owner` does.
    """

    name: str
    attribute: str
    owner: str
    original: str
    about: str


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
    inputs: tuple[Input, ...] = ()


@dataclass(frozen=True, slots=True)
class Flow:
    """The bijections between a node's draw and its value, and what the code calls them.

    `forward` and `inverse` are the methods of the two maps through all of them; `base` and
    `log_det` the variables that hold the base draw and the log-determinant. `inputs` are the nodes
    in their contexts. With `scored` the density of the draw itself is computed, so that `forward`
    gives the log-determinant, too.
    """

    steps: tuple[Call, ...]
    forward: str
    inverse: str
    base: str
    log_det: str
    inputs: tuple[Input, ...]
    stochastic: bool
    scored: bool


@dataclass(frozen=True, slots=True)
class Factor:
    """One conditional density of a program: p(x | z) or q(z | x).

    `conditional` is what stands between the parentheses, `x | z`, and `sampled_from` the right side
    of its sampling statement, `Normal(0, 1)`. `inputs` are the nodes that it depends on, `given`
    those that its parameters do. `drawn` is the shape of what its distribution draws, which `flow`
    takes to a value. `causal` is the network by which each entry depends on those before it. On the
    plate `scan` of a sequence `lengths` is the node that says how many steps count.
    """

    node: Node
    entry: Distribution
    type: Type
    method: str
    inputs: tuple[Input, ...]
    given: tuple[Input, ...]
    arguments: tuple[Argument, ...]
    trunk: Expression | None
    conditional: str
    sampled_from: str
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
    def needs(self) -> tuple[Input, ...]:
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

    `known` is the mask of what has a value: of each row, and of each entry along the first `rank`
    axes of an event. `fraction` is the fraction of rows with a value. Where the data have none,
    `sampled` holds a draw, `imputed` the data completed by it; or `values` holds every value, and
    `allowed` those that agree with the data. Where nothing `fills` what is missing, it is left out
    of the density.
    """

    node: str
    known: str
    fraction: str
    sampled: str
    imputed: str
    values: str
    allowed: str
    rank: int
    fills: bool


@dataclass(frozen=True, slots=True)
class Let:
    """A deterministic node: a method of its program; one that is a known number has a `buffer`."""

    node: Node
    type: Type
    method: str
    inputs: tuple[Input, ...]
    expression: Expression
    buffer: Buffer | None = None


@dataclass(frozen=True, slots=True)
class LaggedValue:
    """The value of a node at the step before, `z_prev`; where no `is_lag`, at the one after it.

    Before the first step it is `number`, or what `method` computes. In a reverse sequence the first
    step of a row is its last one, which `lengths` tells.
    """

    node: Node
    type: Type
    base: str
    is_lag: bool
    number: int | float | None
    method: str
    inputs: tuple[Input, ...]
    initial: Expression
    lengths: str | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """The function with the loss of one player: its name, and what it takes.

    `inputs` are data, at least one of them to count the rows by. `shares` are the arguments that
    are a share of rows with a value, each with the data that it is of; with `needs_data_size` the
    size of the data is an argument, against which terms of global nodes are weighed.
    """

    function: str
    inputs: tuple[Input, ...]
    shares: Mapping[str, str]
    needs_data_size: bool


@dataclass(frozen=True, slots=True)
class ProgramPlan:
    """One generated class.

    `density_name` is what its densities are called in formulas, p or q. `modules`, `heads` and
    `learnable` are its own; `shared` are those of other programs, of which `shared_modules` are
    links and `shared_learnable` are learnable parameters. `loops` are the nodes that depend on each
    other from step to step of a sequence, and so are drawn step by step together; `let_loops` those
    among them that are so without their draws.
    """

    name: str
    class_name: str
    density_name: str
    modules: tuple[LinkModule, ...]
    heads: tuple[Head, ...]
    learnable: tuple[LearnableParameter, ...]
    buffers: tuple[Buffer, ...]
    factors: Mapping[str, Factor]
    lets: Mapping[str, Let]
    order: tuple[str, ...]
    lagged: Mapping[str, LaggedValue]
    loops: tuple[tuple[str, ...], ...]
    let_loops: tuple[tuple[str, ...], ...]
    shared: tuple[Shared, ...] = ()
    shared_modules: tuple[LinkModule, ...] = ()
    shared_learnable: tuple[LearnableParameter, ...] = ()

    def parameter_of(self, node: Node) -> LearnableParameter:
        """The learnable parameter of a node, its own or a shared one."""
        return next(item for item in (*self.learnable, *self.shared_learnable) if item.node is node)

    @property
    def owners(self) -> tuple[str, ...]:
        """The programs whose modules or parameters it shares, which its class is made with."""
        return tuple(dict.fromkeys(shared.owner for shared in self.shared))

    @property
    def written(self) -> tuple[str, ...]:
        """The nodes that the spec declares, in order."""
        return tuple(name for name in self.order if name not in self.lagged)

    def loop_of(self, name: str) -> tuple[str, ...]:
        """The nodes that are drawn step by step together with this one; none if it need not be."""
        return next((loop for loop in self.loops if name in loop), ())

    def let_loop_of(self, name: str) -> tuple[str, ...]:
        """The deterministic nodes that are computed step by step together with this one."""
        return next((loop for loop in self.let_loops if name in loop), ())


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the generated code, the manifest and `explain` say.

    `programs` are those with a class. `inside` are programs whose values a loss computes in its own
    body: draws of programs, which call the methods of these, and what losses compute from them.
    `losses` are the functions of the players, by the names of the players; `methods` those of each
    program that others call, with the nodes whose values each takes.
    """

    graph: TypedGraph
    objective: Objective
    programs: Mapping[str, ProgramPlan]
    python: Mapping[Input, str]
    data: tuple[str, ...]
    masks: Mapping[str, str]
    missing: Mapping[str, Missing]
    inside: Mapping[str, ProgramPlan] = field(default_factory=dict)
    methods: Mapping[str, Mapping[str, tuple[Input, ...]]] = field(default_factory=dict)
    losses: Mapping[str, Loss] = field(default_factory=dict)

    @property
    def experiment(self) -> Experiment:
        """What the spec states beside its model and objective."""
        return self.objective.experiment

    @property
    def source(self) -> str:
        """The file of the spec, as comments and the manifest name it."""
        return self.experiment.source.name

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of the losses in the code, in alphabetical order."""
        return tuple(sorted(loss.function for loss in self.losses.values()))

    def program(self, name: str) -> ProgramPlan:
        """The plan of a program, be it a class or inside a loss."""
        return self.inside[name] if name in self.inside else self.programs[name]

    @property
    def filled(self) -> frozenset[str]:
        """The data of which values are drawn where they are missing."""
        return frozenset(name for name, missing in self.missing.items() if missing.fills)

    def dtype(self, node: Node) -> str:
        """The dtype of a node's values: that of its field, and integers for what indexes."""
        base = (
            node if node.shift is None else self.graph.graph.lookup(node.program, node.shift.base)
        )
        field = self.graph.graph.fields.get((base or node).field or "")
        stated = field.transforms.get("dtype") if field is not None else None
        if stated is not None:
            return str(stated)
        indexes = node.plate_index is not None or node.id in self.graph.classes
        return "int64" if indexes else "float32"

    @property
    def counted(self) -> tuple[str, ...]:
        """What says how many rows there are: data, or, in a program without any, row numbers."""
        return self.data[:1] or (ROW,)

    def with_known(self, names: Iterable[Input]) -> tuple[Input, ...]:
        """Values, and behind data that may be missing where there are values of it."""
        found: dict[Input, None] = {}
        for name in names:
            found[name] = None
            if isinstance(name, str) and name in self.missing:
                found[Mask(name)] = None
        return tuple(found)


ROW = "row()"
"""What stands, among the names of nodes, for the numbers of the rows of a program without data."""
