"""Which names of one spec became which of another.

A name that is gone is paired with one that is new where both stand at the same place of an
expression, or where the two say the same; what they stand for has to be of one kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from specc.codegen.alpha_renaming import content, digest, link_content
from specc.codegen.plan import Plan
from specc.graph.nodes import Node
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Call, Expression, Member, Name
from specc.language.expressions.walk import walk

_WORD = re.compile(r"[A-Za-z_]\w*")


class Renames:
    """Old names with their new ones; `apply` writes a text of the old spec with the new names."""

    def __init__(self, old: Plan, new: Plan) -> None:
        self.old, self.new = old, new
        self.found: dict[str, str] = {}
        self._gone, self._come = _kinds(old), _kinds(new)
        both = self._gone.keys() & self._come.keys()
        for name in both:
            del self._gone[name], self._come[name]
        self._moved(new.graph.graph.spec.document.moved)
        while self._by_place() or self._by_content():
            pass

    def __getitem__(self, name: str) -> str:
        """The new name of an old one."""
        return self.found.get(name, name)

    def written(self) -> list[tuple[str, str]]:
        """The renamed names that a spec declares: `z[t-1]` follows z."""
        return [(old, new) for old, new in self.found.items() if "[" not in old]

    def apply(self, text: str) -> str:
        """The text with all names in it renamed."""
        return _WORD.sub(lambda match: self[match[0]], text) if self.found else text

    def _pair(self, old: str, new: str) -> bool:
        """Take two names for one where nothing speaks against it."""
        kind = self._gone.get(old)
        if kind is None or kind != self._come.get(new):
            return False
        self.found[old] = new
        del self._gone[old], self._come[new]
        return True

    def _moved(self, moved: Mapping[str, str]) -> None:
        """What the new spec says itself of its tensors: `model.decoder: model.generator`."""
        for before, after in moved.items():
            for old, new in zip(before.split(".")[1:2], after.split(".")[1:2], strict=False):
                self._pair(old, new)

    def _by_place(self) -> bool:
        found = [self._pair(a, b) for one, other in self._twins() for a, b in _places(one, other)]
        return any(found)

    def _twins(self) -> Iterator[tuple[Node, Node]]:
        """The nodes of both specs that are known to be one."""
        programs = self.new.graph.graph.programs
        for program in self.old.graph.graph.programs.values():
            nodes = programs[program.name].nodes if program.name in programs else {}
            for name, node in program.nodes.items():
                if self[name] in nodes:
                    yield node, nodes[self[name]]

    def _by_content(self) -> bool:
        """Pair names that say the same, each after the names that it uses."""
        said: dict[str, list[str]] = {}
        for name in self._come:
            said.setdefault(self._said(self.new, name, {}), []).append(name)
        found = False
        for name in list(self._gone):
            twins = said.get(self._said(self.old, name, self.found), [])
            found |= any(self._pair(name, twin) for twin in twins if twin in self._come)
        return found

    def _said(self, plan: Plan, name: str, renames: Mapping[str, str]) -> str:
        graph = plan.graph.graph
        if name in graph.links:
            return digest(link_content(plan, name))
        if name in graph.constants:
            return digest(graph.constants[name])
        programs = [p.name for p in graph.programs.values() if name in p.nodes]
        return digest(
            {p: content(plan, (p, name), lambda key: renames.get(key[1], key[1])) for p in programs}
        )


def _kinds(plan: Plan) -> dict[str, object]:
    """What each name stands for, what is used before its users; names of two kinds never pair."""
    graph = plan.graph.graph
    kinds: dict[str, object] = dict.fromkeys(graph.constants, "constant")
    kinds |= {name: ("link", link.entry.name) for name, link in graph.links.items()}
    for program in graph.programs.values():
        for name in program.order:
            node = program.nodes[name]
            entry = node.entry.name if node.entry is not None else ""
            kinds.setdefault(name, ("node", node.role, entry))
    return kinds


def _places(one: Node, other: Node) -> Iterator[tuple[str, str]]:
    """The names that stand at the same place in two nodes."""
    pairs = [(one.params, other.params), (one.value, other.value)]
    pairs += [(e, other.arguments.get(key)) for key, e in one.arguments.items()]
    pairs += zip(one.through, other.through, strict=False)
    for old, new in pairs:
        if old is not None and new is not None and _skeleton(old) == _skeleton(new):
            yield from zip(_names(old), _names(new), strict=True)


def _skeleton(expression: Expression) -> str:
    return _WORD.sub("_", print_expression(expression))


def _names(expression: Expression) -> list[str]:
    found = []
    for part in walk(expression):
        if isinstance(part, Name):
            found.append(part.id)
        elif isinstance(part, Member):
            found.append(part.name)
        elif isinstance(part, Call):
            found.append(part.function)
    return found
