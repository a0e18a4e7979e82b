"""Lists the changes from one spec to another as sentences, node by node, section by section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from specc.codegen.plan import Plan, ProgramPlan
from specc.codegen.text import drawn
from specc.comparison import sections
from specc.comparison.renames import Renames
from specc.comparison.values import shown
from specc.graph.graph import MODEL
from specc.graph.nodes import Derived, Node
from specc.language.expressions.print import print_expression
from specc.language.schema.node import Node as Written

WRITTEN = {
    "initial": "the value of {} before the first step",
    "reverse": "whether {} runs from the last step to the first",
    "plate": "the plate that repeats {}",
    "plate_index": "the plate that {} numbers",
    "draw": "the draw of {}",
    "init": "the start of {}",
}
"""The names of further keys of a node in sentences."""


class Change(Struct, frozen=True):
    """One difference: the path in the spec, and a sentence about it."""

    where: str
    what: str


def changes(old: Plan, new: Plan) -> tuple[Change, ...]:
    """Return all changes, in the order of sections; empty if only the layout differs."""
    renames = Renames(old, new)
    before, after = old.graph.graph.spec.document, new.graph.graph.spec.document
    found = [*sections.head(before, after)]
    found += [(name, f"{name} is now called {to}") for name, to in renames.written()]
    found += sections.constants(before, after, renames)
    for name in dict.fromkeys([*old.programs, *new.programs]):
        found += _Programs(old, new, renames, name).changes()
    found += sections.links(before, after, renames)
    found += sections.objective(old, new)
    found += sections.rest(before, after, renames)
    return tuple(Change(where, what) for where, what in found)


class _Programs:
    """Compares the two versions of one program."""

    def __init__(self, old: Plan, new: Plan, renames: Renames, name: str) -> None:
        self.old, self.new, self.renames, self.name = old, new, renames, name
        self.before = _nodes(old, name)
        self.after = _nodes(new, name)

    def changes(self) -> Iterator[tuple[str, str]]:
        """Yield the changes of nodes: path and sentence."""
        matched = {self.renames[n]: n for n in self.before if self.renames[n] in self.after}
        place = f"the {self.name}"
        for name in self.before:
            if self.renames[name] not in self.after:
                yield f"{self.name}.{name}", f"{name} is gone from {place}"
        for name, node in self.after.items():
            where = f"{self.name}.{name}"
            if name not in matched:
                yield where, f"{name} is new in {place}: {_statement(self.new, node)}"
            else:
                for what in self._node(self.before[matched[name]], node):
                    yield where, what

    def _node(self, old: Node, new: Node) -> Iterator[str]:
        if old.role != new.role:
            yield f"{new.name} was {_a(old.role)}, and is {_a(new.role)} now"
            return
        if (old.joint is None) != (new.joint is None):
            before = self.renames.apply(_statement(self.old, old))
            yield f"{new.name} is now {_statement(self.new, new)}; it was {before}"
            return
        yield from self._density(old, new) if new.entry is not None else self._value(old, new)
        yield from self._parts(old, new)
        yield from self._shape(old, new)
        yield from self._written(old, new)

    def _density(self, old: Node, new: Node) -> Iterator[str]:
        assert old.entry is not None and new.entry is not None
        program = self.new.programs[self.name]
        density = f"{program.density_name}({program.factors[new.name].conditional})"
        if old.entry.name != new.entry.name or (old.params is None) != (new.params is None):
            was, now = _statement(self.old, old), _statement(self.new, new)
            yield f"{density} became {_of(now)}; it was {_of(was)}"
            return
        for key in dict.fromkeys([*old.arguments, *new.arguments]):
            was = self._renamed(old.arguments.get(key))
            now = shown(new.arguments.get(key))
            if was != now:
                yield f"the {key} of {density}: {was} -> {now}"
        was, now = self._renamed(old.params), shown(new.params)
        if was != now:
            yield f"the parameters of {density}: {was} -> {now}"
        was, now = self.renames.apply(_steps(old)), _steps(new)
        if was != now:
            yield f"{new.name} goes through {now} now; it went through {was}"

    def _parts(self, old: Node, new: Node) -> Iterator[str]:
        was, now = [self.renames[part] for part in old.parts], list(new.parts)
        if was != now:
            yield f"{new.name} is one draw of {', '.join(now)} now; it was of {', '.join(was)}"
        elif old.joint is not None and self.renames[old.joint] != new.joint:
            yield f"{new.name} is now a part of {new.joint}; it was one of {old.joint}"

    def _value(self, old: Node, new: Node) -> Iterator[str]:
        was, now = self._renamed(old.value), shown(new.value)
        if was != now:
            yield f"{new.name}: {was} -> {now}"

    def _renamed(self, value: object) -> str:
        return self.renames.apply(shown(value))

    def _shape(self, old: Node, new: Node) -> Iterator[str]:
        if new.role in ("let", "joint") or (
            self.name != MODEL and new.name in _nodes(self.new, MODEL)
        ):
            return  # a consequence of other changes
        was, now = self.old.graph.types[old.id].shape, self.new.graph.types[new.id].shape
        if len(was) == len(now) == 1 and was != now:
            yield f"{new.name} now has {now[0]} dimensions, not {was[0]}"
        elif was != now:
            yield f"{new.name} now has the shape {list(now)}, not {list(was)}"

    def _written(self, old: Node, new: Node) -> Iterator[str]:
        """Yield the changes of keys besides the distribution."""
        if new.joint is not None:
            return  # the joint node reports them
        before, after = _written(self.old, old), _written(self.new, new)
        name = new.name
        if before.is_global != after.is_global:
            now = "one value for all rows" if after.is_global else "a separate value for each row"
            yield f"{name} is {'global' if after.is_global else 'local'} now: {now}"
        if old.field != new.field and self.renames[old.field or ""] != new.field:
            yield f"{name} is read from the data field {new.field}, not {old.field}"
        for field, word in WRITTEN.items():
            was, now = self._renamed(getattr(before, field)), shown(getattr(after, field))
            if was != now:
                yield f"{word.format(name)}: {was} -> {now}"


def _nodes(plan: Plan, program: str) -> Mapping[str, Node]:
    """The nodes that a spec declares; computed values, such as `last(h, t)`, have no such name."""
    programs = plan.graph.graph.programs
    if program not in programs:
        return {}
    declared = {n: programs[program].nodes[n] for n in programs[program].declared}
    return {
        n: node
        for n, node in declared.items()
        if n.isidentifier() and not isinstance(node, Derived)
    }


def _written(plan: Plan, node: Node) -> Written:
    document = plan.graph.graph.spec.document
    return dict(document.programs_by_name())[node.program][node.name]


def _steps(node: Node) -> str:
    return ", then ".join(print_expression(s) for s in node.through) or "no bijection"


def _statement(plan: Plan, node: Node) -> str:
    """Return a node as a statement: `z ~ Normal(0, 1)`, `both = z + w`, `a learnt real number`."""
    program: ProgramPlan = plan.programs[node.program]
    shape = list(plan.graph.types[node.id].shape)
    if node.joint is not None:
        return f"a part of {node.joint}"
    if node.name in program.factors:
        return f"{drawn(node)} ~ {program.factors[node.name].sampled_from}"
    if node.value is not None:
        return f"{node.name} = {print_expression(node.value)}"
    if node.role == "given":
        return "given by the data"
    head = _written(plan, node).head
    return f"a learnt {head} {'tensor ' + str(shape) if shape else 'number'}"


def _of(statement: str) -> str:
    return statement.partition(" ~ ")[2]


def _a(role: str) -> str:
    return role if role in ("latent", "observed", "given") else f"a {role}"
