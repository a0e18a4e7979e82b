"""The nodes of a program: one frozen type for each role that a variable can have.

    Latent, Observed    a random variable with a distribution
    Joint, Part         one draw of several variables, and each of the variables
    Deterministic       `let`: a value computed from others
    Parameter           a learnable tensor
    Given               data without a density
    Lagged              `z[t-1]`: the value of another node at the previous step
    Unresolved          a random variable with an unknown distribution: an error

A field is None if the spec does not state it. `Base` has the fields and queries of all nodes; code
that needs a field of particular types matches on the type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from specc.catalog.chain import Chain
from specc.catalog.entry import Distribution
from specc.catalog.registry import CHAINS, DRAWS
from specc.catalog.supports import Support
from specc.diagnostics.source import Span
from specc.graph.shift import Shift
from specc.language.expressions.tree import Call, Expression

Role = Literal["latent", "observed", "given", "let", "parameter", "joint", "shift"]
NodeId = tuple[str, str]
Sizes = tuple[Expression, ...]
Init = float | str | tuple[float, ...] | Mapping[str, float]
"""Numbers, a word, or the standard deviation of random numbers, as `{normal: 0.01}`."""


class DrawChoice(Struct, frozen=True):
    """A draw that the spec states: its kind and its options."""

    kind: str
    options: Mapping[str, str | int | float | None]
    span: Span

    @property
    def chain(self) -> Chain | None:
        """The catalog entry of a Markov chain; None for a gradient estimator."""
        return CHAINS.get(self.kind)

    @property
    def baseline(self) -> str:
        """The node of a learnt baseline, empty without one."""
        entry = DRAWS.get(self.kind)
        return str(self.options.get(entry.value) or "") if entry and entry.value else ""

    @property
    def shown(self) -> str:
        """The draw in words, with the options that have a value: `mala, step_size = 0.1`."""
        given = (f"{key} = {value}" for key, value in self.options.items() if value is not None)
        return ", ".join([self.kind, *given])


class Defaults:
    """Default values of the fields that only some types of nodes have.

    With them, code can read these fields of any node; a type that has the field overrides it.
    """

    __slots__ = ()

    @property
    def entry(self) -> Distribution | None:
        """The catalog entry of the distribution of a random node."""
        return None

    @property
    def arguments(self) -> Mapping[str, Expression]:
        """The expressions of the parameters that the spec states, by name."""
        return {}

    @property
    def params(self) -> Expression | None:
        """The call of the link that gives the parameters that are not in `arguments`."""
        return None

    @property
    def through(self) -> tuple[Call, ...]:
        """The bijections that transform a draw, in order, as calls with their contexts."""
        return ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the variables of a joint node."""
        return ()

    @property
    def joint(self) -> str | None:
        """The name of the joint node of a part."""
        return None

    @property
    def value(self) -> Expression | None:
        """The expression of a deterministic node."""
        return None

    @property
    def sizes(self) -> Sizes | None:
        """The shape that the node states."""
        return None

    @property
    def is_global(self) -> bool:
        """Whether the node states `global: true`: all rows share one value."""
        return False

    @property
    def field(self) -> str | None:
        """The data field of an observed or given node."""
        return None

    @property
    def plate_index(self) -> str | None:
        """The plate whose element numbers are the values of a given node."""
        return None

    @property
    def draw(self) -> DrawChoice | None:
        """The draw that the spec states for a latent, or for a node of an energy."""
        return None

    @property
    def is_moved(self) -> bool:
        """Whether a Markov chain along a gradient moves the node, a node of an energy."""
        return self.draw is not None and self.draw.chain is not None

    @property
    def missing(self) -> DrawChoice | None:
        """The draw for missing entries of an observed node."""
        return None

    @property
    def init(self) -> Init | None:
        """The initial value of a parameter, or of the point estimate of a latent."""
        return None

    @property
    def initial(self) -> Expression | None:
        """The value before the first step of a sequence."""
        return None

    @property
    def reverse(self) -> bool:
        """Whether the node runs backwards: its first step is the last one of the data."""
        return False

    @property
    def shift(self) -> Shift | None:
        """The base and the offset of a lagged node."""
        return None


class Base(Struct, Defaults, frozen=True, kw_only=True):
    """The fields of all nodes; `plate` repeats the node, `scan` is the plate of its sequence.

    `rows` is the source of data that `plate:` names: the node has a value for each of its rows.
    """

    program: str
    name: str
    span: Span
    plate: str | None = None
    scan: str | None = None
    rows: str = ""

    @property
    def id(self) -> NodeId:
        """The program and the name."""
        return self.program, self.name

    @property
    def is_copy(self) -> bool:
        """Whether it is a copy of a node of another program, with a name such as `model.x`."""
        return "." in self.name

    @property
    def is_random(self) -> bool:
        """Whether the node has a distribution."""
        return self.entry is not None

    @property
    def is_variable(self) -> bool:
        """Whether the node is a random variable: with a distribution, or a part of a joint node."""
        return False

    @property
    def values(self) -> tuple[str, ...]:
        """The arguments of its density: its parts, or its own value."""
        return self.parts or (self.name,)

    @property
    def is_drawn(self) -> bool:
        """Whether values are drawn: those of a latent, or missing ones of an observed node."""
        return False

    @property
    def is_marginalized(self) -> bool:
        """Whether missing entries are integrated out instead of drawn."""
        return False

    @property
    def is_stepped(self) -> bool:
        """Whether it is a parameter with a separate value for each step of a sequence."""
        return False

    def own_expressions(self) -> tuple[Expression, ...]:
        """The expressions of its parameters or of its value, without bijections."""
        return ()

    def expressions(self) -> tuple[Expression, ...]:
        """All expressions on which the node depends at one step of a sequence."""
        return self.own_expressions() + self.through


# In the types below a field without a default is assigned `msgspec.field()`: otherwise the
# property of `Defaults` with its name would become the default.


class Random(Base, frozen=True, kw_only=True):
    """A node with a distribution of its value, or of the values of its parts.

    `options` has the arguments that are sizes, such as `classes`; `argument_spans` has the places
    of arguments and options.
    """

    arguments: Mapping[str, Expression] = msgspec.field()
    argument_spans: Mapping[str, Span]
    options: Mapping[str, Expression]
    params: Expression | None = None
    through: tuple[Call, ...] = ()

    def own_expressions(self) -> tuple[Expression, ...]:
        """The expressions of its parameters."""
        return (*self.arguments.values(), *(() if self.params is None else (self.params,)))


class Latent(Random, frozen=True, kw_only=True):
    """A random variable without data."""

    entry: Distribution = msgspec.field()
    sizes: Sizes | None = None
    is_global: bool = False
    initial: Expression | None = None
    reverse: bool = False
    draw: DrawChoice | None = None
    init: Init | None = None

    @property
    def role(self) -> Literal["latent"]:
        """The key under which the spec declares it."""
        return "latent"

    @property
    def is_variable(self) -> bool:
        """True: a latent is a random variable."""
        return True

    @property
    def is_drawn(self) -> bool:
        """True: a latent is drawn."""
        return True


class Observed(Random, frozen=True, kw_only=True):
    """A random variable with data in the field `field`; `missing` is the draw of missing values.

    A node of an energy may have the chain `draw`.
    """

    entry: Distribution = msgspec.field()
    field: str = msgspec.field()
    sizes: Sizes | None = None
    is_global: bool = False
    initial: Expression | None = None
    reverse: bool = False
    draw: DrawChoice | None = None
    missing: DrawChoice | None = None

    @property
    def role(self) -> Literal["observed"]:
        """The key under which the spec declares it."""
        return "observed"

    @property
    def is_variable(self) -> bool:
        """True: an observed node is a random variable."""
        return True

    @property
    def is_drawn(self) -> bool:
        """Whether its missing entries are drawn."""
        return self.missing is not None and not self.is_marginalized

    @property
    def is_marginalized(self) -> bool:
        """Whether missing entries are integrated out instead of drawn."""
        return self.missing is not None and DRAWS[self.missing.kind].marginalizes


class Unresolved(Random, frozen=True, kw_only=True):
    """A random variable or a joint node whose distribution is not in the catalog."""

    role: Literal["latent", "observed", "joint"]
    sizes: Sizes | None = None
    is_global: bool = False
    field: str | None = None
    initial: Expression | None = None
    reverse: bool = False
    parts: tuple[str, ...] = ()

    @property
    def is_variable(self) -> bool:
        """Whether it is a random variable; a joint node is not."""
        return self.role != "joint"

    @property
    def is_drawn(self) -> bool:
        """Whether a value of it is drawn."""
        return self.role == "latent"


class Joint(Random, frozen=True, kw_only=True):
    """A joint draw of several variables; its value is the concatenation of its flattened parts."""

    entry: Distribution = msgspec.field()
    parts: tuple[str, ...] = msgspec.field()

    @property
    def role(self) -> Literal["joint"]:
        """The key under which the spec declares it."""
        return "joint"


class Part(Base, frozen=True, kw_only=True):
    """A variable of the joint node `joint`, which has the density."""

    role: Literal["latent", "observed"]
    joint: str = msgspec.field()
    sizes: Sizes | None = None

    @property
    def field(self) -> str | None:
        """The data field of an observed part: the one with the name of the part."""
        return self.name if self.role == "observed" else None

    @property
    def is_variable(self) -> bool:
        """True: a part is a random variable."""
        return True

    @property
    def is_drawn(self) -> bool:
        """Whether a value of it is drawn."""
        return self.role == "latent"


class Deterministic(Base, frozen=True, kw_only=True):
    """A node whose value is an expression."""

    value: Expression = msgspec.field()
    sizes: Sizes | None = None
    is_global: bool = False
    initial: Expression | None = None
    reverse: bool = False

    @property
    def role(self) -> Literal["let"]:
        """The key under which the spec declares it."""
        return "let"

    def own_expressions(self) -> tuple[Expression, ...]:
        """The expression of its value."""
        return (self.value,)


class Derived(Deterministic, frozen=True, kw_only=True):
    """A value that the compiler derives from an energy, such as the free energy."""


class StateSum(Struct, frozen=True):
    """log of the sum of exp(-F) over all states of `units`; F is the value of the node `free`.

    F is the energy with all further units of the sum summed out in closed form. There are
    2 ** `log2_states` states; `free` is empty if they are too many to be summed.
    """

    units: tuple[str, ...]
    free: str
    log2_states: float


class EnergyNode(Deterministic, frozen=True, kw_only=True):
    """The energy of a program, E(v, h): the density of its `units` is exp(-E(v, h)) / Z.

    `visible` units are observed, or used by other random nodes. `log_z` is the sum for log Z, over
    all units, `of_row` that over the hidden units; None if there are none, and after a mistake.
    """

    units: tuple[str, ...] = ()
    visible: tuple[str, ...] = ()
    log_z: StateSum | None = None
    of_row: StateSum | None = None


class Parameter(Base, frozen=True, kw_only=True):
    """A learnable tensor with values in `support`."""

    support: Support
    sizes: Sizes | None = None
    is_global: bool = False
    init: Init | None = None

    @property
    def role(self) -> Literal["parameter"]:
        """The key under which the spec declares it."""
        return "parameter"

    @property
    def is_stepped(self) -> bool:
        """Whether it has a separate value for each step of a sequence."""
        return self.scan is not None


class Given(Base, frozen=True, kw_only=True):
    """A value of the data field `field` without a density; other nodes depend on it."""

    field: str = msgspec.field()
    plate_index: str | None = None
    sizes: Sizes | None = None
    is_global: bool = False
    initial: Expression | None = None
    reverse: bool = False

    @property
    def role(self) -> Literal["given"]:
        """The key under which the spec declares it."""
        return "given"


class Lagged(Base, frozen=True, kw_only=True):
    """The value of another node at the previous step; at the first step it is `initial`."""

    shift: Shift = msgspec.field()
    initial: Expression = msgspec.field()

    @property
    def role(self) -> Literal["shift"]:
        """A role without a key in a spec: expressions such as `z[t-1]` create the node."""
        return "shift"

    def own_expressions(self) -> tuple[Expression, ...]:
        """The value before the first step."""
        return (self.initial,)


Node = Latent | Observed | Joint | Part | Deterministic | Parameter | Given | Lagged | Unresolved

Distributed = Latent | Observed | Joint
"""The nodes with a distribution."""


def with_expressions(node: Node, change: Callable[[Expression], Expression]) -> Node:
    """The node with `change` applied to its expressions, without the initial value."""
    if isinstance(node, Random):
        return replace(
            node,
            arguments=MappingProxyType({k: change(e) for k, e in node.arguments.items()}),
            params=None if node.params is None else change(node.params),
            through=tuple(c for c in map(change, node.through) if isinstance(c, Call)),
        )
    if isinstance(node, Deterministic):
        return replace(node, value=change(node.value))
    return node
