"""The names in a spec before the document is read: nodes, links, and their dependencies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as TypingMapping

from specc.diagnostics.diagnostic import Diagnostic
from specc.language.expressions.parse import parse
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Call, Expression, Member, Name
from specc.language.expressions.walk import rewrite, walk
from specc.language.located import Entry, Located, Mapping, Scalar, Sequence

RANDOM = ("latent", "observed", "joint")
"""The roles of a node with a distribution."""

ENERGY = "energy"
"""The key of a program with its energy."""

MOST_PARTS = 1_000
"""The largest number of names, numbers and operations of an energy that is written out."""

SHARED = ("parameter", "global", "plate")
"""Keys of a node with one value for all rows, or one for each element of a plate."""

NO_EXPRESSIONS = (*RANDOM, "given", "parameter", "distribution", "draw", "missing", "plate", "from")
"""Keys of a node without expressions."""


class TreeOutline:
    """The outline of a located tree, which may contain errors."""

    def __init__(self, root: Mapping) -> None:
        own = {name: root.get(name) for name in ("model", "guide")}
        further = root.get("programs")
        links = root.get("links")
        found = own | {e.name: e.value for e in _entries(further)}
        self.programs = {name: _nodes(value) for name, value in found.items() if value is not None}
        self.links = tuple(entry.name for entry in _entries(links))

    def random(self, program: str) -> tuple[str, ...]:
        """The nodes of a program with a distribution; joint nodes, but not their parts."""
        nodes = self.programs.get(program, {}).items()
        random = {name: node for name, node in nodes if any(node.get(role) for role in RANDOM)}
        parts = {part.name for node in random.values() for part in _entries(node.get("joint"))}
        return tuple(name for name in random if name not in parts)

    def units(self, program: str) -> tuple[str, ...]:
        """The random nodes on which the energy of a program depends; empty without an energy."""
        nodes, random = self.programs.get(program, {}), self.random(program)
        stack, seen = [ENERGY] if ENERGY in nodes else [], set[str]()
        while stack:
            name = stack.pop()
            if name in seen or name not in nodes:
                continue
            seen.add(name)
            if name not in random:
                used = (n for e in _expressions(nodes[name]) for n in _nodes_used(program, e))
                stack += [other for owner, other in used if owner == program]
        return tuple(name for name in random if name in seen)

    def trainable(self, program: str, nodes: Iterable[str]) -> tuple[str, ...]:
        """The links and learnable parameters on which some nodes depend, directly or indirectly."""
        stack, seen = [(program, name) for name in nodes], set[tuple[str, str]]()
        links, parameters = set[str](), list[str]()
        while stack:
            place = stack.pop()
            node = self.programs.get(place[0], {}).get(place[1])
            if node is None or place in seen:
                continue
            seen.add(place)
            if node.get("parameter"):
                parameters.append(place[1])
            for expression in _expressions(node):
                links |= {name for name in _words(expression) if name in self.links}
                stack += _nodes_used(place[0], expression)
        return (*(name for name in self.links if name in links), *sorted(parameters))

    def varying(self, program: str, name: str) -> tuple[str, ...]:
        """The nodes in the expressions of a node that may differ from row to row, as it names them.

        They are data, and nodes of its program that are neither parameters nor shared.
        """
        found = dict[str, None]()
        for expression in _expressions(self.programs[program][name]):
            for owner, used in _nodes_used(program, expression):
                node = self.programs.get(owner, {}).get(used)
                data = self.programs.get("model", {}).get(used) if node is None else node
                shown = used if owner == program else f"{owner}.{used}"
                if used != name and data is not None and not any(map(data.get, SHARED)):
                    found[shown] = None
        return tuple(found)

    def observed(self, program: str) -> dict[str, str]:
        """The observed nodes of a program, with the data field of each."""
        found: dict[str, str] = {}
        for name, node in self.programs.get(program, {}).items():
            if node.get("observed") is not None:
                field = node.get("from")
                found[name] = field.text if isinstance(field, Scalar) else name
        return found

    def energy(self, program: str, values: TypingMapping[str, str]) -> str | None:
        """The energy of a program, with other values in place of some nodes; None without one.

        Values of deterministic nodes are written out. It is None, too, if the energy depends on
        other nodes of the program than parameters, or is too large.
        """
        nodes = self.programs.get(program, {})
        whole = next(_expressions(nodes[ENERGY]), None) if ENERGY in nodes else None
        budget = [MOST_PARTS]

        def change(part: Expression) -> Expression | None:
            budget[0] -= 1
            if budget[0] < 0:
                raise _NotWritable
            if not isinstance(part, Name):
                return None
            if part.id in values:
                owner, _, name = values[part.id].partition(".")
                return Member(owner, name, part.span)
            node = nodes.get(part.id)
            if node is None:
                return None
            if node.get("parameter") is not None:
                return Member(program, part.id, part.span)
            value = next(_expressions(node), None) if node.get("let") is not None else None
            if value is None:
                raise _NotWritable
            return rewrite(value, change)

        try:
            return None if whole is None else print_expression(rewrite(whole, change))
        except _NotWritable:
            return None

    def fresh(self, name: str) -> str:
        """An unused name for a further program: this one, or a similar one."""
        taken = {*self.programs, *self.links}
        count = 2
        while name in taken:
            name, count = f"{name.rstrip('0123456789_')}_{count}", count + 1
        return name


class _NotWritable(Exception):
    """An energy that no loss can contain."""


def _entries(value: Located | None) -> Iterator[Entry]:
    return iter(value.entries if isinstance(value, Mapping) else ())


def _nodes(value: Located) -> dict[str, Mapping]:
    """The nodes by name; a part of a joint node maps to that node."""
    found = {e.name: e.value for e in _entries(value) if isinstance(e.value, Mapping)}
    found |= {
        e.name: Mapping((e,), e.value.span)
        for e in _entries(value)
        if e.name == ENERGY and isinstance(e.value, Scalar)
    }
    parts = {p.name: node for node in found.values() for p in _entries(node.get("joint"))}
    return {**parts, **found}


def _expressions(node: Mapping) -> Iterator[Expression]:
    for entry in node.entries:
        if entry.name not in NO_EXPRESSIONS:
            for scalar in _scalars(entry.value):
                parsed = parse(scalar.text, scalar.at)
                if not isinstance(parsed, Diagnostic):
                    yield parsed


def _scalars(value: Located) -> Iterator[Scalar]:
    if isinstance(value, Scalar):
        yield value
    elif isinstance(value, Sequence):
        for item in value.items:
            yield from _scalars(item)
    else:
        for entry in value.entries:
            yield from _scalars(entry.value)


def _words(expression: Expression) -> Iterator[str]:
    """The names that may be links: called ones, and plain names as in `through: f`."""
    for part in walk(expression):
        if isinstance(part, Call):
            yield part.function
        elif isinstance(part, Name):
            yield part.id


def _nodes_used(program: str, expression: Expression) -> Iterator[tuple[str, str]]:
    for part in walk(expression):
        if isinstance(part, Name):
            yield program, part.id
        elif isinstance(part, Member):
            yield part.program, part.name
