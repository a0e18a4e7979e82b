"""Which drawn values each value and each density depends on, seen through `let` nodes."""

from __future__ import annotations

from collections.abc import Mapping

from specc.graph.graph import GUIDE, MODEL, Graph, Node, NodeId, Program
from specc.graph.passes.sequences import in_time
from specc.language.expressions.walk import names


class Values:
    """The random values behind every node: who is an input of whom, directly and at a distance.

    A random variable has one value, wherever it is used: the data's, or what its draw gave. So
    values go by name, and `let` nodes are looked through.
    """

    def __init__(self, graph: Graph, drawn_in: Mapping[str, str]) -> None:
        self.graph = graph
        self.drawn_in = drawn_in
        self._users: dict[str, set[str]] = {}
        self._inputs: dict[NodeId, frozenset[str]] = {}

    def inputs(self, program: str, name: str) -> frozenset[str]:
        """The random values that the density of this node is conditioned on."""
        node = self.graph.lookup(program, name)
        assert node is not None
        if node.id not in self._inputs:
            self._fill(node.program)
        return self._inputs[node.id]

    def _fill(self, program: str) -> None:
        found = self.graph.programs[program]
        if any(node.shift is not None for node in found.nodes.values()):
            self._fill_through_time(found)
            return
        for name in found.order:
            mentioned: set[str] = set()
            for used in found.digraph.predecessors(name):
                values = _meant(found.nodes[used], name)
                mentioned |= values or self._inputs[program, used]
            mentioned |= self._data_inputs(program, name)
            self._inputs[program, name] = frozenset(mentioned)

    def _fill_through_time(self, found: Program) -> None:
        """The same where nodes depend on each other from step to step: a search from each node."""
        digraph = in_time(found)
        for name in found.order:
            mentioned: set[str] = set()
            seen, stack = {name}, [name]
            while stack:
                current = stack.pop()
                mentioned |= self._data_inputs(found.name, current)
                for used in digraph.predecessors(current):
                    mentioned |= (values := _meant(found.nodes[used], current))
                    if not values and used not in seen:
                        seen.add(used)
                        stack.append(used)
            self._inputs[found.name, name] = frozenset(mentioned)

    def _data_inputs(self, program: str, name: str) -> set[str]:
        """Data of the model used in another program by its name."""
        found = self.graph.programs[program]
        if program == MODEL:
            return set()
        node = found.nodes[name]
        mentioned = {n.id for e in node.expressions() for n in names(e)}
        own = mentioned & set(found.inputs)
        if node.shift is not None and node.shift.base not in found.nodes:
            own.add(node.shift.base)
        return own

    def upstream(self, name: str) -> frozenset[str]:
        """The drawn values that the draw of `name` is conditioned on, at any distance."""
        seen: set[str] = set()
        stack = [name]
        while stack:
            current = stack.pop()
            program = self.drawn_in.get(current)
            if program is None:
                continue
            for used in self.inputs(program, current):
                if used in self.drawn_in and used not in seen:
                    seen.add(used)
                    stack.append(used)
        return frozenset(seen)

    def downstream(self, name: str) -> frozenset[str]:
        """The drawn values whose draws are conditioned on `name`, at any distance."""
        users = self._users
        if not users:
            for drawn, program in self.drawn_in.items():
                for used in self.inputs(program, drawn):
                    users.setdefault(used, set()).add(drawn)
        seen: set[str] = set()
        stack = [name]
        while stack:
            for user in users.get(stack.pop(), ()):
                if user not in seen:
                    seen.add(user)
                    stack.append(user)
        return frozenset(seen)

    def of_inputs(self, program: str, name: str) -> frozenset[str]:
        """The drawn values that log p of this node is conditioned on."""
        return frozenset(v for v in self.inputs(program, name) if v in self.drawn_in)

    def of_density(self, program: str, name: str) -> frozenset[str]:
        """The drawn values that log p of this node depends on: its inputs and its own value."""
        involved = self.inputs(program, name) | set(self.graph.node((program, name)).values)
        return frozenset(v for v in involved if v in self.drawn_in)


def _meant(node: Node, user: str) -> set[str]:
    """The random and given values that a use of `node` stands for; none where it is looked through.

    What uses a draw of several parts uses these; each of them comes from what the draw depends on.
    """
    if node.parts and user not in node.parts:
        return set(node.parts)
    return {node.name} if node.is_variable or node.role == "given" else set()


__all__ = ["GUIDE", "Values"]
