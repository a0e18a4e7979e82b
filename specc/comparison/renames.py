"""Finds the names that changed between two specs.

A name that only the old spec has is paired with one that only the new spec has, of the same kind,
if both occur at the same position of an expression, or if their declarations are equal.
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
    """Maps old names to new ones."""

    def __init__(self, old: Plan, new: Plan) -> None:
        self.old, self.new = old, new
        self.found: dict[str, str] = {}
        self._removed, self._added = _kinds(old), _kinds(new)
        both = self._removed.keys() & self._added.keys()
        for name in both:
            del self._removed[name], self._added[name]
        self._pair_stated(new.graph.graph.spec.document.moved)
        while self._pair_by_position() or self._pair_by_content():
            pass

    def __getitem__(self, name: str) -> str:
        """Return the new name of an old name."""
        return self.found.get(name, name)

    def written(self) -> list[tuple[str, str]]:
        """Return the pairs of declared names, not values such as `z[t-1]` and `last(h, t)`."""
        return [(old, new) for old, new in self.found.items() if old.isidentifier()]

    def apply(self, text: str) -> str:
        """Return a text with all names in it replaced by the new ones."""
        return _WORD.sub(lambda match: self[match[0]], text) if self.found else text

    def _pair(self, old: str, new: str) -> bool:
        """Pair two names if they are unpaired and of the same kind; return whether they are."""
        kind = self._removed.get(old)
        if kind is None or kind != self._added.get(new):
            return False
        self.found[old] = new
        del self._removed[old], self._added[new]
        return True

    def _pair_stated(self, moved: Mapping[str, str]) -> None:
        """Pair the names of tensors that `moved:` of the new spec states."""
        for before, after in moved.items():
            for old, new in zip(before.split(".")[1:2], after.split(".")[1:2], strict=False):
                self._pair(old, new)

    def _pair_by_position(self) -> bool:
        found = [
            self._pair(a, b)
            for one, other in self._matched_nodes()
            for a, b in _aligned_names(one, other)
        ]
        return any(found)

    def _matched_nodes(self) -> Iterator[tuple[Node, Node]]:
        """Yield the nodes that correspond to each other in the two specs."""
        programs = self.new.graph.graph.programs
        for program in self.old.graph.graph.programs.values():
            nodes = programs[program.name].nodes if program.name in programs else {}
            for name, node in program.nodes.items():
                if self[name] in nodes:
                    yield node, nodes[self[name]]

    def _pair_by_content(self) -> bool:
        """Pair names with equal declarations, each after the names in its declaration."""
        by_digest: dict[str, list[str]] = {}
        for name in self._added:
            by_digest.setdefault(self._content_digest(self.new, name, {}), []).append(name)
        found = False
        for name in list(self._removed):
            equal = by_digest.get(self._content_digest(self.old, name, self.found), [])
            found |= any(self._pair(name, other) for other in equal if other in self._added)
        return found

    def _content_digest(self, plan: Plan, name: str, renames: Mapping[str, str]) -> str:
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
    """Return the kind of each name, in topological order; only names of one kind are paired."""
    graph = plan.graph.graph
    kinds: dict[str, object] = dict.fromkeys(graph.constants, "constant")
    kinds |= {name: ("link", link.entry.name) for name, link in graph.links.items()}
    for program in graph.programs.values():
        for name in program.order:
            node = program.nodes[name]
            entry = node.entry.name if node.entry is not None else ""
            kinds.setdefault(name, ("node", node.role, entry))
    return kinds


def _aligned_names(one: Node, other: Node) -> Iterator[tuple[str, str]]:
    """Yield the pairs of names at the same positions of the expressions of two nodes."""
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
