"""The state of lowering one function: its statements and the variables that exist."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct, field
from msgspec.structs import replace

from specc.catalog.entry import Distribution
from specc.catalog.modifier import class_name
from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Name
from specc.codegen.code.statements import Assign, Comment, Statement, reads
from specc.codegen.layout import Layout
from specc.codegen.lower.value import PARTICLE, Axis, Value, value_of
from specc.codegen.plan import Argument, Factor, Input, Missing, Plan
from specc.graph.graph import MODEL, ROWS, Type
from specc.graph.nodes import Node, NodeId
from specc.graph.queries import name_in_model
from specc.objective.objective import Draw

NOISE = Name("noise")

Made = tuple[str, str, str]
"""What exists: its kind, and the program and name of its node."""


class Scope(Struct):
    """The body of one function.

    - `draws` has the draws by the names of nodes.
    - `owners` has the code for each program, such as `self` inside its own class.
    - `statements` are the statements so far, and `about` is the node that the next ones belong to.
    - `values` has the variables defined here by the names of their nodes, with their axes.
    - `held` has for each variable the nodes whose value it has at present.
    - `made` has the parameters, base draws, masks and loops that exist.
    - `renamed` has other variables for data: with missing values filled in, or all possible values.
    - `step` maps names of nodes to variables of one step inside a loop over steps, where no value
      has an axis of steps; it is None outside.
    - `fills` are the data whose missing values are drawn.
    - `relaxes`: draws may have continuous values in place of discrete ones.
    - `has_densities`: densities of draws follow, so log-determinants are kept.
    - `has_noise`: densities may be estimated with noise.
    - `has_shapes`: assignments have comments with shapes.
    - `counts` has the variables with the numbers of rows by source of data; without it all values
      have `rows` rows.
    """

    plan: Plan
    draws: Mapping[str, Draw]
    owners: Mapping[str, Code]
    layout: Layout
    fills: frozenset[str] = frozenset()
    has_noise: bool = False
    relaxes: bool = False
    has_densities: bool = True
    has_shapes: bool = False
    statements: list[Statement] = field(default_factory=list)
    values: dict[Input, Value] = field(default_factory=dict)
    held: dict[str, frozenset[NodeId]] = field(default_factory=dict)
    made: set[Made] = field(default_factory=set)
    renamed: dict[Input, str] = field(default_factory=dict)
    step: Mapping[Input, str] | None = None
    about: str = ""
    counts: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)

    # statements

    def add(self, statement: Statement) -> None:
        """Append a statement, which belongs to the current node unless it names another one."""
        stamped = statement if statement.about else replace(statement, about=self.about)
        self.statements.append(stamped)

    def assign(self, targets: str | tuple[str, ...], value: Code, shape: str = "") -> None:
        """Append `targets = value`, with a comment on the shapes of the targets if given."""
        names = (targets,) if isinstance(targets, str) else targets
        self.statements.append(Assign(names, value, self.about, shape))

    def comment(self, words: str = "") -> None:
        """Append a comment, or an empty line unless there is one."""
        last = self.statements[-1] if self.statements else None
        if not words and isinstance(last, Comment) and not last.text:
            return
        self.statements.append(Comment(words, self.about))

    @contextmanager
    def on(self, program: str, name: str) -> Iterator[None]:
        """Assign the statements inside the context to this node."""
        before, self.about = self.about, f"{program}.{name}"
        yield
        self.about = before

    @contextmanager
    def block(self) -> Iterator[list[Statement]]:
        """Collect the statements inside the context in a separate list."""
        outer, self.statements = self.statements, []
        yield self.statements
        self.statements = outer

    def rows(self, counted: Input) -> Code:
        """Return the number of rows of a value: `x.shape[0]`."""
        shape = code.Attribute(self.argument(counted), "shape")
        return code.Subscript(shape, (code.Literal(0),))

    def count(self, kind: Type) -> Name:
        """Return the variable with the number of rows of a local value."""
        return Name(self.counts.get(kind.source, "rows"))

    def head(self, counted: Iterable[Input]) -> tuple[Statement, ...]:
        """Return `rows = x.shape[0]` for each number of rows that the statements read."""
        found: dict[str, Assign] = {}
        read = reads(self.statements)
        for name in counted:
            count = self.counts.get(self.plan.source_of(name), "rows")
            if count in read and count not in found:
                found[count] = Assign((count,), self.rows(name))
        return tuple(found.values())

    # names

    def factor(self, program: str, name: str) -> Factor:
        """Return the factor of a node."""
        return self.plan.program(program).factors[name]

    def python(self, name: Input) -> str:
        """Return the name of the variable with the value of a node."""
        return self.renamed.get(name, self.plan.python[name])

    def variable(self, name: Input) -> Name:
        """Return the variable with the value of a node."""
        return Name(self.python(name))

    def argument(self, name: Input) -> Name:
        """Return the argument with the original data."""
        return Name(self.plan.python[name])

    def filled(self, name: str) -> Missing | None:
        """Return the variables for filling in missing values, None if they are not filled in."""
        return self.plan.missing[name] if name in self.fills else None

    def relaxed(self, name: str) -> Draw | None:
        """Return the draw of a node with a continuous value in place of a discrete one."""
        draw = self.draws.get(name) if self.relaxes else None
        return draw if draw is not None and draw.is_relaxed else None

    # variables that exist

    def mark_value(self, node: Node) -> None:
        """Note that the variable of a node has its value, and not that of another program's node.

        A value of the model that the guide computes also counts as the value of the model's node.
        """
        in_model = name_in_model(node)
        values = frozenset([node.id, (MODEL, in_model)] if in_model else [node.id])
        self.held[self.python(node.name)] = values

    def mark_joint(self, node: Node) -> None:
        """Note that the variable of a joint node has its value, as it may have that of others."""
        variable = self.python(node.name)
        self.held[variable] = self.held.get(variable, frozenset()) | {node.id}

    def mark_same(self, node: Node, name: str) -> None:
        """Note that the variable of the node `name` has the value of a node of another program."""
        self.renamed[node.name] = self.python(name)
        self.made.add(("value", *node.id))
        self.define(node.program, node.name, self.outer_of((name,)))

    def unmark_value(self, node: Node) -> None:
        """Note that the variable of a node no longer has its value."""
        self.held.pop(self.python(node.name), None)

    def has_value(self, node_id: NodeId) -> bool:
        """Whether the variable of a node has its value."""
        return node_id in self.held.get(self.python(node_id[1]), ())

    def once(self, kind: str, program: str, name: str) -> bool:
        """Whether this is the first call with these arguments."""
        key = (kind, program, name)
        first = key not in self.made
        self.made.add(key)
        return first

    def define(self, program: str, name: Input, outer: frozenset[Axis]) -> None:
        """Define the variable of a node, with these axes to the left of its plates, in order."""
        order = self.layout.enumerated
        axes = sorted(outer, key=lambda a: (a != PARTICLE, a != PARTICLE and order.index(a.name)))
        at_step = self.step is not None
        variable = self.python(name)
        self.values[name] = value_of(self.plan, program, name, axes, variable, at_step=at_step)
        node = self.plan.graph.graph.programs[program].nodes.get(str(name))
        if node is not None and name_in_model(node):
            self.values[name_in_model(node)] = self.values[name]

    def inherit(self, program: str, name: str, inputs: Iterable[Input]) -> None:
        """Define a variable with the outer axes of its inputs."""
        self.define(program, name, self.outer_of(inputs))

    def value(self, program: str, name: Input) -> Value:
        """Return the value of a variable; undefined ones have the axes of their plates only."""
        found = self.values.get(name)
        return found if found is not None else value_of(self.plan, program, name)

    def outer_of(self, names: Iterable[Input]) -> frozenset[Axis]:
        """Return the axes of particles and enumerated nodes that any of the values has."""
        return frozenset().union(*(self.values[n].outer for n in names if n in self.values))

    def enumerated_of(self, names: Iterable[Input]) -> frozenset[str]:
        """Return the enumerated nodes that any of the values varies with."""
        return frozenset(axis.name for axis in self.outer_of(names) - {PARTICLE})

    def given(self, program: str, kind: Type, name: Input) -> Code:
        """Return the variable of an input; one without an axis of steps gets one of size 1."""
        if self.step is not None and name in self.step:
            return Name(self.step[name])
        value = self.value(program, name)
        varies = value.is_local or PARTICLE in value.outer
        if self.step is not None or not {*steps(kind)} - {*value.steps} or not varies:
            return Name(value.name)
        # To the left of the elements of a plate, one of which an index selects.
        return code.method(Name(value.name), "unsqueeze", -1 - value.count("plate") - value.rank)

    def arguments(self, factor: Factor, detached: bool = False) -> list[Code]:
        """Return the arguments of a distribution's function, without infinite defaults at the end.

        An end of an interval that the spec does not give is the default of the function, too.
        """
        given = list(factor.arguments)
        while given and given[-1].number is not None and math.isinf(given[-1].number):
            given.pop()
        return [_argument(a, detached) for a in given]

    def density(self, factor: Factor, function: str) -> Code:
        """Return a function of a distribution: `normal.log_prob`, `Truncated(normal).log_prob`."""
        if factor.entry.base is not None:
            return code.Attribute(_module(factor.entry), function)
        return code.member(f"specc.runtime.distributions.{factor.entry.stem}", function)

    def mask(self, plate: str, lengths: str) -> Name:
        """Return `t_mask`, the mask of valid steps of each row, and emit it on first use."""
        name = self.plan.masks[plate]
        if self.once("mask", "", plate):
            made = code.function("specc.runtime.functions.sequences.sequence_mask")
            size = self.plan.graph.graph.size_of(plate)
            self.assign(name, code.call(made, self.variable(lengths), size))
        return Name(name)


def _module(entry: Distribution) -> Code:
    """Return the module of a distribution, or the modified one: `Truncated(normal)`."""
    if entry.base is None:
        return code.function(f"specc.runtime.distributions.{entry.stem}")
    made = code.function(f"specc.runtime.modifiers.{entry.modifier}.{class_name(entry.modifier)}")
    rank = len(entry.base.result_dims)
    return code.call(made, _module(entry.base), *((rank,) if rank else ()))


def _argument(argument: Argument, detached: bool) -> Code:
    if argument.number is not None:
        return code.number(argument.number)
    value = Name(argument.local)
    return code.method(value, "detach") if detached else value


def steps(kind: Type) -> tuple[str, ...]:
    """Return the plates of a local type that are steps of sequences."""
    return tuple(p for p in kind.plates if p != ROWS) if kind.is_local else ()


def sum_last(value: Code, count: int) -> Code:
    """Return the sum over the last `count` axes."""
    return code.over_last(value, "sum", count)


def expand_mask(mask: str, axes: int) -> Code:
    """Return a mask with axes of size 1 appended."""
    if axes == 0:
        return Name(mask)
    return code.Subscript(Name(mask), (code.Literal(...), *(code.Literal(None),) * axes))


def shape_of(values: Iterable[object]) -> Code:
    """Return a shape as code: `(2, 3)`; entries that are not code become literals."""
    return code.Tuple(tuple(map(code.literal, values)))
