"""The nodes of a program: one frozen type for each role that a variable can have.

    Latent, Observed    a random variable with a distribution
    Joint, Part         one draw of several variables, and each of them
    Deterministic       `let`: a value computed from others
    Parameter           a learnable tensor
    Given               data without a density
    Lagged              `z[t-1]`: the value of another node at the step before
    Unresolved          a random variable whose distribution is not known: an error

A field that is None is one that the spec leaves out. Fields and queries of all nodes are in `Base`;
code that needs a field of some types alone matches on the type.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from specc.catalog.entry import Distribution
from specc.catalog.registry import DRAWS
from specc.catalog.supports import Support
from specc.diagnostics.source import Span
from specc.language.expressions.tree import Call, Expression

Role = Literal["latent", "observed", "given", "let", "parameter", "joint", "shift"]
NodeId = tuple[str, str]
Sizes = tuple[Expression, ...]
Init = float | str | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class DrawChoice:
    """A draw that the spec chooses: its kind and the options written with it."""

    kind: str
    options: Mapping[str, str]
    span: Span


@dataclass(frozen=True, slots=True)
class Shift:
    """Which node a lagged value is of, and by how many steps: -1 is the step before."""

    base: str
    offset: int


class Defaults:
    """The fields of single types, with the value for all nodes of other types.

    Code that treats nodes of all types alike reads them; a type that has the field overrides it.
    """

    __slots__ = ()

    @property
    def entry(self) -> Distribution | None:
        """The distribution, of a node with a density of its own."""
        return None

    @property
    def arguments(self) -> Mapping[str, Expression]:
        """The parameters of the distribution that are written, by name."""
        return {}

    @property
    def params(self) -> Expression | None:
        """The link that gives the parameters which are not in `arguments`."""
        return None

    @property
    def through(self) -> tuple[Call, ...]:
        """The bijections that a draw goes through, the first one first, with their contexts."""
        return ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The variables of one joint draw."""
        return ()

    @property
    def whole(self) -> str | None:
        """The joint draw that a variable is a part of."""
        return None

    @property
    def value(self) -> Expression | None:
        """The expression of a deterministic node."""
        return None

    @property
    def sizes(self) -> Sizes | None:
        """The shape that is written on the node."""
        return None

    @property
    def is_global(self) -> bool:
        """Whether `global: true` is written: all rows share one value."""
        return False

    @property
    def field(self) -> str | None:
        """The data field of an observed or given node."""
        return None

    @property
    def plate_index(self) -> str | None:
        """The plate whose elements the values of a given node number."""
        return None

    @property
    def draw(self) -> DrawChoice | None:
        """How a latent is drawn, where the spec chooses."""
        return None

    @property
    def missing(self) -> DrawChoice | None:
        """How an observed node is drawn where it has no value."""
        return None

    @property
    def init(self) -> Init | None:
        """Where learning starts, of a parameter or of a latent with a point estimate."""
        return None

    @property
    def initial(self) -> Expression | None:
        """The value before the first step of a sequence."""
        return None

    @property
    def reverse(self) -> bool:
        """Whether the first step of its sequence is the last one of the data."""
        return False

    @property
    def shift(self) -> Shift | None:
        """The node that a lagged value is of, and the steps between."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Base(Defaults):
    """What all nodes have: `plate` repeats a value, `scan` is the plate of its sequence."""

    program: str
    name: str
    span: Span
    plate: str | None = None
    scan: str | None = None

    @property
    def id(self) -> NodeId:
        """Program and name."""
        return self.program, self.name

    @property
    def is_copy(self) -> bool:
        """Whether it is a node of a program in a draw of it: its name has that of the program."""
        return "." in self.name

    @property
    def is_random(self) -> bool:
        """Whether the node has a density of its own."""
        return self.entry is not None

    @property
    def is_variable(self) -> bool:
        """Whether the node is a random value: with a density of its own, or a part of a draw."""
        return False

    @property
    def values(self) -> tuple[str, ...]:
        """The random values that its density is of: its own, or those of its parts."""
        return self.parts or (self.name,)

    @property
    def is_drawn(self) -> bool:
        """Whether a value of it is drawn: of latents, and of data where some is missing."""
        return False

    @property
    def is_left_out(self) -> bool:
        """Whether entries without a value are integrated out, rather than drawn."""
        return False

    @property
    def is_stepped(self) -> bool:
        """Whether it is learnt with a value of its own for each step of a sequence."""
        return False

    def own_expressions(self) -> tuple[Expression, ...]:
        """The expressions of its parameters, or of its value."""
        return ()

    def expressions(self) -> tuple[Expression, ...]:
        """Every expression that the node's value depends on, at one step of a sequence."""
        return self.own_expressions() + self.through


# In the types below a field without a default is given `dataclasses.field()`: without it the
# dataclass would take the property of `Defaults` for one.


@dataclass(frozen=True, slots=True, kw_only=True)
class Random(Base):
    """A node whose value, or the values of whose parts, a distribution draws.

    `options` are the arguments that are sizes, such as `classes`; `argument_spans` has both.
    """

    arguments: Mapping[str, Expression] = dataclasses.field()
    argument_spans: Mapping[str, Span]
    options: Mapping[str, Expression]
    params: Expression | None = None
    through: tuple[Call, ...] = ()

    def own_expressions(self) -> tuple[Expression, ...]:
        """The expressions of its parameters."""
        return (*self.arguments.values(), *(() if self.params is None else (self.params,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Latent(Random):
    """A random variable that is not in the data."""

    entry: Distribution = dataclasses.field()
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
        """A latent is a random value."""
        return True

    @property
    def is_drawn(self) -> bool:
        """A latent is drawn."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed(Random):
    """A random variable whose value is in the data field `field`; `missing` draws what is not."""

    entry: Distribution = dataclasses.field()
    field: str = dataclasses.field()
    sizes: Sizes | None = None
    is_global: bool = False
    initial: Expression | None = None
    reverse: bool = False
    missing: DrawChoice | None = None

    @property
    def role(self) -> Literal["observed"]:
        """The key under which the spec declares it."""
        return "observed"

    @property
    def is_variable(self) -> bool:
        """An observed node is a random value."""
        return True

    @property
    def is_drawn(self) -> bool:
        """Whether a value of it is drawn where it is missing."""
        return self.missing is not None and not self.is_left_out

    @property
    def is_left_out(self) -> bool:
        """Whether entries without a value are integrated out, rather than drawn."""
        return self.missing is not None and DRAWS[self.missing.kind].leaves_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved(Random):
    """A random variable, or a joint draw, whose distribution is not in the catalog."""

    role: Literal["latent", "observed", "joint"]
    sizes: Sizes | None = None
    is_global: bool = False
    field: str | None = None
    initial: Expression | None = None
    reverse: bool = False
    parts: tuple[str, ...] = ()

    @property
    def is_variable(self) -> bool:
        """Whether it is a random value."""
        return self.role != "joint"

    @property
    def is_drawn(self) -> bool:
        """Whether a value of it is drawn."""
        return self.role == "latent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint(Random):
    """One draw of several variables: its value is the vector of its parts, each flattened."""

    entry: Distribution = dataclasses.field()
    parts: tuple[str, ...] = dataclasses.field()

    @property
    def role(self) -> Literal["joint"]:
        """The key under which the spec declares it."""
        return "joint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Base):
    """A variable of the joint draw `whole`; its density is that of the draw."""

    role: Literal["latent", "observed"]
    whole: str = dataclasses.field()
    sizes: Sizes | None = None

    @property
    def field(self) -> str | None:
        """The data field of an observed part, which has its name."""
        return self.name if self.role == "observed" else None

    @property
    def is_variable(self) -> bool:
        """A part is a random value."""
        return True

    @property
    def is_drawn(self) -> bool:
        """Whether a value of it is drawn."""
        return self.role == "latent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deterministic(Base):
    """A node whose value is an expression."""

    value: Expression = dataclasses.field()
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Base):
    """A learnable tensor whose values lie in `support`."""

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
        """Whether it has a value of its own for each step of a sequence."""
        return self.scan is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Given(Base):
    """A value of the data field `field` on which others depend, without a density."""

    field: str = dataclasses.field()
    plate_index: str | None = None
    sizes: Sizes | None = None
    is_global: bool = False
    initial: Expression | None = None
    reverse: bool = False

    @property
    def role(self) -> Literal["given"]:
        """The key under which the spec declares it."""
        return "given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lagged(Base):
    """The value of another node at the step before, `initial` at the first step."""

    shift: Shift = dataclasses.field()
    initial: Expression = dataclasses.field()

    @property
    def role(self) -> Literal["shift"]:
        """No key of the spec declares it: expressions such as `z[t-1]` do."""
        return "shift"

    def own_expressions(self) -> tuple[Expression, ...]:
        """The value before the first step."""
        return (self.initial,)


Node = Latent | Observed | Joint | Part | Deterministic | Parameter | Given | Lagged | Unresolved

Distributed = Latent | Observed | Joint
"""The nodes with a density of their own."""
