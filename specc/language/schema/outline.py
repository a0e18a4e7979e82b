"""The names in a spec before the document is read: nodes, links, and their dependencies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from specc.diagnostics.diagnostic import Diagnostic
from specc.language.expressions.parse import parse
from specc.language.expressions.tree import Call, Expression, Member, Name
from specc.language.expressions.walk import walk
from specc.language.located import Entry, Located, Mapping, Scalar, Sequence

RANDOM = ("latent", "observed", "joint")
"""The roles of a node with a distribution."""

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

    def fresh(self, name: str) -> str:
        """An unused name for a further program: this one, or a similar one."""
        taken = {*self.programs, *self.links}
        count = 2
        while name in taken:
            name, count = f"{name.rstrip('0123456789_')}_{count}", count + 1
        return name


def _entries(value: Located | None) -> Iterator[Entry]:
    return iter(value.entries if isinstance(value, Mapping) else ())


def _nodes(value: Located) -> dict[str, Mapping]:
    """The nodes by name; a part of a joint node maps to that node."""
    found = {e.name: e.value for e in _entries(value) if isinstance(e.value, Mapping)}
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
