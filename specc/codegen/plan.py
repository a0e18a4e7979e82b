"""The plan: names, modules, tensors and arguments of the generated code.

`specc.codegen.lower` makes the functions of a plan and decides their axes. The manifest and
`explain` read the plan itself, and the arguments of functions from `specc.codegen.signatures`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from msgspec import Struct, field

from specc.catalog.causal import Causal
from specc.catalog.entry import Alternative, Distribution, Lowered, Parameter, Shape
from specc.catalog.transforms import Transform
from specc.diagnostics.source import Span
from specc.graph.ends import Beyond, Ends
from specc.graph.graph import LinkNode, Type, TypedGraph
from specc.graph.nodes import Node, NodeId
from specc.graph.pieces import Pieces
from specc.language.expressions.tree import Call, Expression
from specc.objective.experiment import Experiment
from specc.objective.objective import Objective


class Mask(Struct, frozen=True):
    """The mask of the data of a node, `x_known`: true where there is a value."""

    node: str

    def __str__(self) -> str:
        """Return the mask as an expression of a spec, `known(x)`."""
        return f"known({self.node})"


Input = str | Mask
"""An input of a method: the value of a node, by name, or the mask of its data."""


class LinkModule(Struct, frozen=True):
    """A link as a torch module of its program."""

    attribute: str
    link: LinkNode
    lowered: Lowered
    inputs: tuple[Shape, ...]
    input: Shape
    tail: Tail | None = None

    @property
    def output(self) -> Shape:
        """The shape of the final output of the link."""
        return self.lowered.output if self.tail is None else self.tail.lowered.output


class Tail(Struct, frozen=True):
    """The last layers of a causal link, which are a module of their own."""

    attribute: str
    lowered: Lowered


class Head(Struct, frozen=True):
    """The last layer from a trunk to one parameter of a node, and the map onto its support."""

    attribute: str
    lowered: Lowered
    constrainer: Transform
    node: Node
    parameter: Parameter

    @property
    def key(self) -> tuple[str, str, str]:
        """The names of the node, of the parameter and of the link."""
        assert isinstance(self.node.params, Call)
        return self.node.name, self.parameter.name, self.node.params.function


class LearnableParameter(Struct, frozen=True):
    """A learnable tensor: a parameter node, or a latent with the draw `delta`.

    `raw` is the attribute with the unconstrained tensor; it equals `attribute` if the support is
    the real numbers. One `of_rows` has a value for each training row along its first axis, of size
    0 until the number of rows is known. If other values determine an end of the support, `ends` are
    its ends, which the method `ends_method` returns. They may depend on `data`, nodes of which the
    class has the training rows in a buffer. No value of the nodes of `beyond` may be beyond it.
    """

    attribute: str
    raw: str
    node: Node
    shape: Shape
    constrainer: Transform
    span: Span
    of_rows: bool = False
    ends: Ends | None = None
    ends_method: str = ""
    data: tuple[tuple[str, str], ...] = ()
    beyond: Beyond = ()

    @property
    def raw_shape(self) -> Shape:
        """The shape of the unconstrained tensor."""
        return self.constrainer.unconstrained(self.shape)


class Buffer(Struct, frozen=True):
    """A constant tensor, registered as a buffer of its module.

    All entries are `value`, unless `values` has them; `made` is a torch call that computes
    `values`.
    """

    attribute: str
    values: tuple[object, ...] | None
    shape: Shape
    value: float = 0.0
    made: str = ""


class Shared(Struct, frozen=True):
    """A module or a learnable parameter of another program that this program also uses.

    `name` is the name of the link or the parameter in the spec, `attribute` that in the class of
    this program, and `original` that in the class of `owner`.
    """

    name: str
    attribute: str
    owner: str
    original: str
    about: str


class Argument(Struct, frozen=True):
    """A parameter of a factor: a number, an expression, a buffer, or a head on the factor's trunk.

    `shape` is that of the parameter, and `own` that of the expression, which broadcasts to it.
    `plates` are those over which it varies, and `inputs` the nodes in the expression.
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


class Flow(Struct, frozen=True):
    """The bijections from the draw of a node to its value, with their methods and variables.

    `forward` and `inverse` are the methods of the composition and its inverse. `base` and `log_det`
    are the variables of the base draw and of the log-determinant. `inputs` are the nodes in the
    contexts. If `scored`, the density of the draw itself is computed, so that `forward` also
    returns the log-determinant. `pieces` are those of each step that maps pieces of a vector one
    after the other, with their ends.
    """

    steps: tuple[Call, ...]
    forward: str
    inverse: str
    base: str
    log_det: str
    inputs: tuple[Input, ...]
    stochastic: bool
    scored: bool
    pieces: tuple[Pieces, ...] = ()


class Colors(Struct, frozen=True):
    """The buffer with the color of each entry of a unit whose entries interact, and their number.

    The conditional distribution of an entry is that at which it has the value `neutral`.
    """

    attribute: str
    count: int
    neutral: float


class Factor(Struct, frozen=True, dict=True):
    """A conditional density of a program: p(x | z) or q(z | x).

    `conditional` is the text inside the parentheses, `x | z`, and `sampled_from` the right side of
    the sampling statement, `Normal(0, 1)`. `inputs` are all nodes that it depends on, `given` those
    in the parameters. `tensors` are the arguments that are computed, as opposed to plain numbers.
    `drawn` is the event shape of the distribution, before `flow` maps it to the
    value. `causal` is the network of an autoregressive density. `scan` is the plate of a sequence,
    and `lengths` the node with the number of steps of each row. `colors` are those of entries that
    interact.
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
    colors: Colors | None = None

    @cached_property
    def tensors(self) -> tuple[Argument, ...]:
        """The arguments that are computed, not written as numbers."""
        return tuple(argument for argument in self.arguments if argument.number is None)

    @property
    def values(self) -> tuple[str, ...]:
        """The names of the random values of the density: several for a joint draw with parts."""
        return self.node.values

    @property
    def event_axes(self) -> int:
        """The number of axes of log_prob that belong to the event, over which it is summed."""
        return len(self.drawn) - len(self.entry.result_dims)

    @property
    def needs(self) -> tuple[Input, ...]:
        """The nodes whose values the density takes, besides its own value."""
        return self.inputs if self.lengths is None else (*self.inputs, self.lengths)

    @property
    def has_mean(self) -> bool:
        """Whether the mean of the distribution is the mean of the node given its parameters."""
        parts = (self.flow, self.causal, self.colors)
        is_known = all(part is None for part in parts) and not self.node.is_moved
        return self.entry.mean and is_known

    @property
    def members(self) -> int:
        """The number of orders of entries over which the density is averaged, along an axis."""
        if self.causal is None:
            return 1
        link = self.causal.link
        return link.entry.members(link.options) if isinstance(link.entry, Causal) else 1

    @property
    def remembers(self) -> bool:
        """Whether a draw computes each step of the causal network once."""
        entry = None if self.causal is None else self.causal.link.entry
        return isinstance(entry, Causal) and entry.remembers


class Missing(Struct, frozen=True):
    """The variables for an observed node whose values may be missing.

    `known` is the mask of present values, for each row and for each entry along the first `rank`
    axes of an event. `fraction` is the fraction of rows with a value. If the guide has a node for
    missing values (`fills`), either `sampled` is its draw and `imputed` the data completed by it,
    or `values` are all its values and `allowed` the mask of those that agree with the data.
    Otherwise missing values are left out of the density.
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


class Let(Struct, frozen=True):
    """A deterministic node: a method of its program, with a `buffer` if its value is a number."""

    node: Node
    type: Type
    method: str
    inputs: tuple[Input, ...]
    expression: Expression
    buffer: Buffer | None = None


class LaggedValue(Struct, frozen=True):
    """The value of a node at the previous step, `z_prev`, or at the next one if not `is_lag`.

    The value before the first step is `number`, or the result of `method`. In a reverse sequence
    the first step of a row is its last one; `lengths` has the number of steps of each row.
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


class Loss(Struct, frozen=True):
    """The loss of one player as a function, and its arguments.

    `inputs` are data, at least one field, from which the number of rows is read. `shares` maps the
    arguments that are fractions of rows with a value to the nodes. If `needs_data_size`, the number
    of rows of the data is an argument, by which the terms of global nodes are divided. `scalars`
    are the arguments that are numbers of the step, with the functions that make tensors of them;
    `weights` those that weigh the elements of an update, by the plate.
    """

    function: str
    inputs: tuple[Input, ...]
    shares: Mapping[str, str]
    needs_data_size: bool
    scalars: Mapping[str, str]
    weights: Mapping[str, str] = field(default_factory=dict)


class ProgramPlan(Struct, frozen=True, dict=True):
    """A generated class.

    `density_name` is that of its densities in formulas, p or q. `modules`, `heads` and `learnable`
    are its own; `shared` are those of other programs, of which `shared_modules` are links and
    `shared_learnable` learnable parameters. `loops` are groups of nodes that depend on each other
    through the steps of a sequence, and are therefore drawn in a loop; `let_loops` are groups of
    deterministic nodes that need a loop even if all draws are given.
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

    @cached_property
    def _by_node(self) -> Mapping[NodeId, LearnableParameter]:
        return {item.node.id: item for item in (*self.shared_learnable, *self.learnable)}

    def parameter_of(self, node: Node) -> LearnableParameter:
        """Return the learnable parameter of a node, own or shared."""
        return self._by_node[node.id]

    @property
    def data_of_rows(self) -> Mapping[str, str]:
        """The nodes of the data that ends depend on, each with the buffer of its training rows."""
        return dict(pair for item in self.learnable for pair in item.data)

    @property
    def owners(self) -> tuple[str, ...]:
        """The programs whose modules or parameters it shares, the arguments of its constructor."""
        return tuple(dict.fromkeys(shared.owner for shared in self.shared))

    @property
    def declared(self) -> tuple[str, ...]:
        """The nodes that the spec declares, in order."""
        return tuple(name for name in self.order if name not in self.lagged)

    def loop_of(self, name: str) -> tuple[str, ...]:
        """Return the nodes that are drawn in the same loop as this node; empty without a loop."""
        return next((loop for loop in self.loops if name in loop), ())

    def let_loop_of(self, name: str) -> tuple[str, ...]:
        """Return the deterministic nodes that are computed in the same loop as this node."""
        return next((loop for loop in self.let_loops if name in loop), ())


class Plan(Struct, frozen=True):
    """The content of the generated code, of the manifest and of `explain`.

    `programs` are those with a class. `inside` are programs whose values a loss computes in its own
    body: copies of programs, which call the methods of the originals, and the values of expressions
    in losses. `python` maps values to Python names, `data` are the observed and given nodes,
    `masks` the masks of sequences. `losses` are the functions by player; `methods` are those of
    each program that are called from outside, with their inputs. `counts` are the variables with
    the number of rows, by the source of the data; `weights` are those with the weight of each
    element that a batch names, by the plate, if updates leave out the others.
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
    counts: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)

    @property
    def experiment(self) -> Experiment:
        """The settings of the spec besides its model and objective."""
        return self.objective.experiment

    @property
    def source(self) -> str:
        """The name of the spec file, as in comments and in the manifest."""
        return self.experiment.source.name

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of the losses in the code, in alphabetical order."""
        return tuple(sorted(loss.function for loss in self.losses.values()))

    def program(self, name: str) -> ProgramPlan:
        """Return the plan of a program, which may be inside a loss."""
        return self.inside[name] if name in self.inside else self.programs[name]

    @property
    def filled(self) -> frozenset[str]:
        """The observed nodes whose missing values are drawn."""
        return frozenset(name for name, missing in self.missing.items() if missing.fills)

    def dtype(self, node: Node) -> str:
        """Return the dtype of a node: that of its field, int64 for indices, else float32."""
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
        """The input that determines the number of rows: data, or row numbers without data."""
        return self.data[:1] or (ROW,)

    def source_of(self, name: Input) -> str:
        """The source of the data whose rows a value of the model is of; "" for row numbers."""
        node = self.graph.graph.lookup("model", name.node if isinstance(name, Mask) else name)
        return self.graph.types[node.id].source if node is not None else ""

    def with_known(self, names: Iterable[Input]) -> tuple[Input, ...]:
        """Return the values, each followed by its mask if it may be missing."""
        found: dict[Input, None] = {}
        for name in names:
            found[name] = None
            if isinstance(name, str) and name in self.missing:
                found[Mask(name)] = None
        return tuple(found)


ROW = "row()"
"""The name of the row numbers of a program without data."""
