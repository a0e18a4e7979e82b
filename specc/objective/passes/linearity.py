"""Linearity analysis: whether expressions are affine in a latent, also through `let` nodes."""

from __future__ import annotations

from enum import IntEnum

from specc.graph.graph import MODEL, Graph
from specc.graph.nodes import Deterministic, Lagged, NodeId
from specc.graph.queries import is_affine, lets_behind
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Index,
    Name,
    Negate,
    Over,
    Sequence,
)
from specc.objective.passes.stochastic_graph import StochasticGraph


class Degree(IntEnum):
    """The degree of an expression in a value; OTHER means not affine."""

    CONSTANT = 0
    AFFINE = 1
    OTHER = 2


class Degrees:
    """Computes degrees of the expressions of a program in the value `of`: a node, or `z[t-1]`.

    With `by_entry` an affine function is that of each entry of the value alone, so that a matrix
    does not count.
    """

    def __init__(
        self,
        graph: Graph,
        stochastic: StochasticGraph,
        of: str,
        program: str = MODEL,
        *,
        by_entry: bool = False,
    ) -> None:
        self.graph, self.stochastic, self.of = graph, stochastic, of
        self.program, self.by_entry = program, by_entry
        node = graph.programs[program].nodes[of]
        self.latent = node.shift.base if isinstance(node, Lagged) else of
        self.known: dict[NodeId, Degree] = {}

    def degree(self, expression: Expression) -> Degree:
        """Return the degree of an expression."""
        for node in lets_behind(self.graph, self.program, expression, self._is_unknown):
            self.known[node.id] = self._degree(node.value)
        return self._degree(expression)

    def _is_unknown(self, node: Deterministic) -> bool:
        return node.id not in self.known and node.name != self.of

    def _degree(self, expression: Expression) -> Degree:
        """Return the degree of an expression whose deterministic nodes have one."""
        match expression:
            case Name(id=name):
                return self._name(name)
            case Negate(operand=operand):
                return self._degree(operand)
            case Binary(operator=operator, left=left, right=right):
                found = _combined(operator, self._degree(left), self._degree(right))
                mixes = self.by_entry and operator == "@" and found != Degree.CONSTANT
                return Degree.OTHER if mixes else found
            case Call(function=function, arguments=arguments):
                inner = max((self._degree(a) for a in arguments), default=Degree.CONSTANT)
                keeps = inner == Degree.CONSTANT or self._is_affine(function)
                return inner if keeps else Degree.OTHER
            case Index(base=base, indices=indices):
                index = max(self._degree(i) for i in indices)
                found = self._degree(base) if index == Degree.CONSTANT else Degree.OTHER
                mixes = self.by_entry and found != Degree.CONSTANT
                return Degree.OTHER if mixes else found
            case Over(operand=operand):
                inner = self._degree(operand)  # of all elements, each of which has its own integral
                return inner if inner == Degree.CONSTANT else Degree.OTHER
            case Sequence(items=items):
                return max((self._degree(i) for i in items), default=Degree.CONSTANT)
        return Degree.CONSTANT

    def _is_affine(self, function: str) -> bool:
        if function in self.graph.functions:
            entry = self.graph.functions[function]
            return entry.linear and (entry.elementwise or not self.by_entry)
        link = self.graph.links.get(function)
        return link is None or (is_affine(link) and not self.by_entry)

    def _name(self, name: str) -> Degree:
        node = self.graph.lookup(self.program, name)
        if name == self.of:
            return Degree.AFFINE
        if isinstance(node, Deterministic):
            return self.known.get(node.id, Degree.CONSTANT)  # a cycle, which has been reported
        return self._lagged(node) if isinstance(node, Lagged) else Degree.CONSTANT

    def _lagged(self, node: Lagged) -> Degree:
        """Return the degree of a lagged value; OTHER for a `let` node that depends on `of`."""
        base = self.graph.programs[self.program].nodes[node.shift.base]
        if base.is_variable:
            return Degree.CONSTANT
        known = self.stochastic.parents(self.program, base.name)
        return Degree.OTHER if self.latent in known else Degree.CONSTANT


def _combined(operator: str, left: Degree, right: Degree) -> Degree:
    if operator in ("+", "-"):
        return max(left, right)
    if operator in ("*", "@"):
        return Degree(min(left + right, Degree.OTHER))
    if operator == "/" and right == Degree.CONSTANT:
        return left
    return max(left, right) if max(left, right) == Degree.CONSTANT else Degree.OTHER
