"""What is at hand while the body of one function is lowered, and the statements made so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Name
from specc.codegen.code.statements import Assign, Comment, Statement, reads
from specc.codegen.layout import Layout
from specc.codegen.lower.value import PARTICLE, Axis, Value, value_of
from specc.codegen.plan import Argument, Factor, Input, Missing, Plan
from specc.graph.graph import MODEL, ROWS, Type
from specc.graph.nodes import Node, NodeId
from specc.graph.queries import name_in_model
from specc.objective.objective import Player

NOISE = Name("noise")

Made = tuple[str, str, str]
"""What has been made: its kind, and the program and the name of the node that it is of."""


@dataclass(slots=True)
class Scope:
    """The body of one function.

    `owners` says what each program is called there: `self` inside its own class. `values` are those
    that were made here, by the names of their nodes. `made` are the values, parameters, base draws
    and masks that stand in a variable. `renamed` are the variables of data that are not as they are
    given: with what is missing filled in, or with every value that they may have. While stepping
    through a sequence, `step` maps names of nodes to variables of one step, and no value has an
    axis of steps. Of the data in `fills` what is missing is drawn. With `has_noise` a density may
    be estimated by draws, with `has_shapes` lines state shapes. `about` is the node that statements
    are about.
    """

    plan: Plan
    player: Player
    owners: Mapping[str, Code]
    layout: Layout
    fills: frozenset[str] = frozenset()
    has_noise: bool = False
    has_shapes: bool = False
    statements: list[Statement] = field(default_factory=list)
    values: dict[Input, Value] = field(default_factory=dict)
    made: set[Made] = field(default_factory=set)
    renamed: dict[Input, str] = field(default_factory=dict)
    step: Mapping[Input, str] | None = None
    about: str = ""

    # statements

    def add(self, statement: Statement) -> None:
        """The next statement, about the node at hand where it names none."""
        stamped = statement if statement.about else replace(statement, about=self.about)
        self.statements.append(stamped)

    def assign(self, targets: str | tuple[str, ...], value: Code, shape: str = "") -> None:
        """`targets = value`, with the shapes of the targets where they are known."""
        self.add(Assign((targets,) if isinstance(targets, str) else targets, value, shape=shape))

    def comment(self, words: str = "") -> None:
        """A comment, or an empty line."""
        self.add(Comment(words))

    @contextmanager
    def on(self, program: str, name: str) -> Iterator[None]:
        """What is added inside is about this node."""
        before, self.about = self.about, f"{program}.{name}"
        yield
        self.about = before

    @contextmanager
    def block(self) -> Iterator[list[Statement]]:
        """What is added inside goes into a list of its own."""
        outer, self.statements = self.statements, []
        yield self.statements
        self.statements = outer

    def rows(self, counted: Input) -> Code:
        """`x.shape[0]`, the number of rows of a value."""
        shape = code.Attribute(self.argument(counted), "shape")
        return code.Subscript(shape, (code.Literal(0),))

    def head(self, counted: Input) -> tuple[Statement, ...]:
        """`rows = x.shape[0]`, where the statements read it."""
        is_read = "rows" in reads(self.statements)
        return (Assign(("rows",), self.rows(counted)),) if is_read else ()

    # names

    def factor(self, program: str, name: str) -> Factor:
        """The factor of a node."""
        return self.plan.program(program).factors[name]

    def python(self, name: Input) -> str:
        """The name of the variable that holds a node's value."""
        return self.renamed.get(name, self.plan.python[name])

    def variable(self, name: Input) -> Name:
        """The variable that holds a node's value."""
        return Name(self.python(name))

    def argument(self, name: Input) -> Name:
        """The argument of the function that holds data, as they are given."""
        return Name(self.plan.python[name])

    def filled(self, name: str) -> Missing | None:
        """What a draw is merged with: the data, where they have values."""
        return self.plan.missing[name] if name in self.fills else None

    # what is at hand

    def hold(self, node: Node) -> None:
        """Note that a node's variable has its value now, and not that of another program's node.

        What the guide computes of the model is a value of the model, too: at what the guide draws.
        """
        own = self.python(node.name)
        self.made = {m for m in self.made if m[0] != "value" or self.python(m[2]) != own}
        self.made |= self._values_of(node)

    def drop(self, node: Node) -> None:
        """Note that a node's variable has no longer its value."""
        self.made -= self._values_of(node)

    def _values_of(self, node: Node) -> set[Made]:
        found: set[Made] = {("value", *node.id)}
        return found | ({("value", MODEL, name_in_model(node))} if name_in_model(node) else set())

    def holds(self, node_id: NodeId) -> bool:
        """Whether a node's variable has its value."""
        return ("value", *node_id) in self.made

    def once(self, kind: str, program: str, name: str) -> bool:
        """Whether something is made here for the first time."""
        key = (kind, program, name)
        first = key not in self.made
        self.made.add(key)
        return first

    def define(self, program: str, name: Input, outer: frozenset[Axis]) -> None:
        """A node's variable has these axes, in their order, beside those of its plates."""
        order = self.layout.enumerated
        axes = sorted(outer, key=lambda a: (a != PARTICLE, a != PARTICLE and order.index(a.name)))
        at_step = self.step is not None
        made = value_of(self.plan, program, name, axes, at_step=at_step)
        self.values[name] = replace(made, name=self.python(name))
        node = self.plan.graph.graph.programs[program].nodes.get(str(name))
        if node is not None and name_in_model(node):
            self.values[name_in_model(node)] = self.values[name]

    def inherit(self, program: str, name: str, inputs: Iterable[Input]) -> None:
        """A value has the outer axes of what it is made of."""
        self.define(program, name, self.outer_of(inputs))

    def value(self, program: str, name: Input) -> Value:
        """The value at hand; what was not made here has the axes of its plates alone."""
        found = self.values.get(name)
        return found if found is not None else value_of(self.plan, program, name)

    def outer_of(self, names: Iterable[Input]) -> frozenset[Axis]:
        """The axes of particles and of enumerated nodes that any of the values has."""
        return frozenset().union(*(self.values[n].outer for n in names if n in self.values))

    def enumerated_of(self, names: Iterable[Input]) -> frozenset[str]:
        """The enumerated nodes over whose values any of the values varies."""
        return frozenset(axis.name for axis in self.outer_of(names) - {PARTICLE})

    def given(self, program: str, kind: Type, name: Input) -> Code:
        """The variable of an input; one that does not vary over the steps gets their axis."""
        if self.step is not None and name in self.step:
            return Name(self.step[name])
        value = self.value(program, name)
        varies = value.is_local or PARTICLE in value.outer
        if self.step is not None or steps(kind) == value.steps or not varies:
            return Name(value.name)
        # Left of the elements of a plate, which an index takes one of.
        return code.method(Name(value.name), "unsqueeze", -1 - value.count("plate") - value.rank)

    def arguments(self, factor: Factor, detached: bool = False) -> list[Code]:
        """The parameters of a factor as they stand in a call."""
        return [_argument(a, detached) for a in factor.arguments]

    def density(self, factor: Factor, function: str) -> Code:
        """`normal.log_prob`."""
        return code.member(f"specc.runtime.distributions.{factor.entry.stem}", function)

    def mask(self, plate: str, lengths: str) -> Name:
        """`t_mask`: which steps of a sequence each row has."""
        name = self.plan.masks[plate]
        if self.once("mask", "", plate):
            made = code.function("specc.runtime.functions.sequences.sequence_mask")
            size = self.plan.graph.graph.size_of(plate)
            self.assign(name, code.call(made, self.variable(lengths), size))
        return Name(name)


def _argument(argument: Argument, detached: bool) -> Code:
    if argument.number is not None:
        return code.Literal(argument.number)
    value = Name(argument.local)
    return code.method(value, "detach") if detached else value


def steps(kind: Type) -> tuple[str, ...]:
    """The plates of sequences over which the values of rows vary."""
    return tuple(p for p in kind.plates if p != ROWS) if kind.is_local else ()


def sum_last(value: Code, count: int) -> Code:
    """The sum over the last axes."""
    if count == 0:
        return value
    return code.method(value, "sum", -1 if count == 1 else tuple(range(-count, 0)))


def wide(mask: str, axes: int) -> Code:
    """A mask with further axes of an event behind its own."""
    if axes == 0:
        return Name(mask)
    return code.Subscript(Name(mask), (code.Literal(...), *(code.Literal(None),) * axes))


def shape_of(values: Iterable[object]) -> Code:
    """`(2, 3)`; what is no expression is a literal."""
    return code.Tuple(tuple(map(code.literal, values)))
