"""The drawn values that each value and each density depends on, also through `let` nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import assert_never

from specc.graph.graph import GUIDE, MODEL, Graph, Program
from specc.graph.nodes import Lagged, Node, NodeId
from specc.graph.passes.references import is_held
from specc.graph.queries import with_lagged_edges
from specc.language.expressions.tree import Number
from specc.language.expressions.walk import names
from specc.objective.terms import Divergence, Energy, Leaf, LogProb, Value, value_node


class StochasticGraph:
    """The stochastic computation graph of a spec (Schulman et al. 2015), without `let` nodes.

    The parents of a random value are those that its density is conditioned on. A random variable
    has the same value in all programs, the data or its draw, so that values are identified by name.
    With `of_gradients` rows of earlier steps, which a loss holds, depend on nothing.
    """

    def __init__(
        self, graph: Graph, drawn_in: Mapping[str, str], *, of_gradients: bool = False
    ) -> None:
        self.graph = graph
        self.of_gradients = of_gradients
        self.drawn_in = drawn_in
        self._users: dict[str, set[str]] = {}
        self._parents: dict[NodeId, frozenset[str]] = {}
        self._begun: set[str] = set()
        self._joints = {
            part: node.name
            for program in graph.programs.values()
            for node in program.nodes.values()
            for part in node.parts
            if node.name in drawn_in
        }

    def parents(self, program: str, name: str) -> frozenset[str]:
        """Return the random values that the density of a node is conditioned on."""
        node = self.graph.lookup(program, name)
        assert node is not None
        if node.id not in self._parents and node.program not in self._begun:
            self._begun.add(node.program)
            self._fill(node.program)
        found = self._parents.get(node.id, frozenset())  # none in a circle of programs
        return self._with_joints(found)

    def _with_joints(self, found: frozenset[str]) -> frozenset[str]:
        """Return values together with the joint draws that they are parts of."""
        return found.union(self._joints[name] for name in found if name in self._joints)

    def _fill(self, program: str) -> None:
        found = self.graph.programs[program]
        if any(isinstance(node, Lagged) for node in found.nodes.values()):
            self._fill_through_time(found)
            return
        for name in found.order:
            mentioned: set[str] = set()
            if self.of_gradients and is_held(found.nodes[name]):
                continue
            for used in found.digraph.predecessors(name):
                values = _referenced(found.nodes[used], name)
                mentioned |= values or self._parents.get((program, used), frozenset())
            mentioned |= self._from_elsewhere(program, name)
            self._parents[program, name] = frozenset(mentioned)

    def _fill_through_time(self, found: Program) -> None:
        """Compute the parents in a program with lagged values, by a search from each node."""
        digraph = with_lagged_edges(found)
        for name in found.order:
            mentioned: set[str] = set()
            seen, stack = {name}, [name]
            while stack:
                current = stack.pop()
                mentioned |= self._from_elsewhere(found.name, current)
                for used in digraph.predecessors(current):
                    mentioned |= (values := _referenced(found.nodes[used], current))
                    if not values and used not in seen:
                        seen.add(used)
                        stack.append(used)
            self._parents[found.name, name] = frozenset(mentioned)

    def _from_elsewhere(self, program: str, name: str) -> set[str]:
        """Return the random values behind the nodes of other programs that a node uses."""
        found = self.graph.programs[program]
        node = found.nodes[name]
        mentioned = {n.id for e in node.expressions() for n in names(e)}
        if isinstance(node, Lagged):
            mentioned.add(node.shift.base)
        values: set[str] = set()
        for used in (each for each in mentioned if each not in found.nodes):
            other = self.graph.lookup(program, used)
            if other is not None and (program != MODEL or other.program != MODEL):
                values |= _referenced(other, name) or self.parents(other.program, other.name)
        return values

    def ancestors(self, names: Iterable[str]) -> frozenset[str]:
        """Return the drawn values that the draws of `names` depend on, directly or not."""
        seen: set[str] = set()
        stack = list(names)
        while stack:
            current = stack.pop()
            for used in self.parents(self.drawn_in[current], current) & self.drawn_in.keys():
                if used not in seen:
                    seen.add(used)
                    stack.append(used)
        return frozenset(seen)

    def descendants(self, name: str) -> frozenset[str]:
        """Return the drawn values whose draws depend on `name`, directly or not."""
        users = self._users
        if not users:
            for drawn, program in self.drawn_in.items():
                for used in self.parents(program, drawn):
                    users.setdefault(used, set()).add(drawn)
        seen: set[str] = set()
        stack = [name]
        while stack:
            for user in users.get(stack.pop(), ()):
                if user not in seen:
                    seen.add(user)
                    stack.append(user)
        return frozenset(seen)

    def of_leaf(self, term: Leaf) -> frozenset[str]:
        """Return the drawn values that a leaf depends on.

        log p depends on its conditions and on the value itself, except as the mean over known
        values; a divergence is an expectation over the value.
        """
        found: frozenset[str]
        match term:
            case Divergence(node=node):
                found = self.parents(MODEL, node) | self.parents(GUIDE, node)
            case LogProb(program=program, node=node, rows=rows):
                own = () if rows == "known" else self.graph.node((program, node)).values
                found = self.parents(program, node).union(own)
            case Value(expression=expression):
                known = not isinstance(expression, Number)
                found = self._of_node(*value_node(expression)) if known else frozenset()
            case Energy(program=program, node=node):
                found = self._of_node(program, node) - set(term.bound)
            case _:
                assert_never(term)
        return self._with_joints(found) & self.drawn_in.keys()

    def _of_node(self, program: str, name: str) -> frozenset[str]:
        """Return the random values behind a node: the node itself if it is random."""
        node = self.graph.node((program, name))
        return frozenset(_referenced(node, name)) or self.parents(program, name)


def _referenced(node: Node, user: str) -> set[str]:
    """Return the random and given values that a use of `node` refers to; empty for a `let` node.

    A use of a joint draw with parts refers to its parts; the parts themselves depend on what the
    draw depends on.
    """
    if node.parts and user not in node.parts:
        return set(node.parts)
    return {node.name} if node.is_variable or node.role == "given" else set()


__all__ = ["GUIDE", "StochasticGraph"]
