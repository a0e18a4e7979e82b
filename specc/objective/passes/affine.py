"""Whether expressions are affine in the value of a latent, seen through `let` nodes."""

from __future__ import annotations

from enum import IntEnum

from specc.catalog.functions import index as functions
from specc.catalog.link import Link
from specc.graph.graph import MODEL, Graph
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Index,
    Name,
    Negate,
    Sequence,
)
from specc.objective.passes.values import Values


class Degree(IntEnum):
    """How an expression depends on a value."""

    CONSTANT = 0
    AFFINE = 1
    OTHER = 2


class Degrees:
    """The degrees of the model's expressions in the value called `of`: a node, or `z[t-1]`."""

    def __init__(self, graph: Graph, values: Values, of: str) -> None:
        self.graph, self.values, self.of = graph, values, of
        shift = graph.model.nodes[of].shift
        self.latent = of if shift is None else shift.base

    def degree(self, expression: Expression) -> Degree:
        """Constant, affine, or anything else."""
        match expression:
            case Name(id=name):
                return self._name(name)
            case Negate(operand=operand):
                return self.degree(operand)
            case Binary(operator=operator, left=left, right=right):
                return _combined(operator, self.degree(left), self.degree(right))
            case Call(function=function, arguments=arguments):
                inner = max((self.degree(a) for a in arguments), default=Degree.CONSTANT)
                keeps = inner == Degree.CONSTANT or self._is_affine(function)
                return inner if keeps else Degree.OTHER
            case Index(base=base, indices=indices):
                index = max(self.degree(i) for i in indices)
                return self.degree(base) if index == Degree.CONSTANT else Degree.OTHER
            case Sequence(items=items):
                return max((self.degree(i) for i in items), default=Degree.CONSTANT)
        return Degree.CONSTANT

    def _is_affine(self, function: str) -> bool:
        if functions.contains(function):
            return functions.function(function).linear
        link = self.graph.links.get(function)
        return link is None or (isinstance(link.entry, Link) and link.entry.affine)

    def _name(self, name: str) -> Degree:
        node = self.graph.lookup(MODEL, name)
        if name == self.of:
            return Degree.AFFINE
        if node is None or node.is_variable or node.role in ("given", "parameter"):
            return Degree.CONSTANT
        if node.role == "let" and node.value is not None and node.scan is None:
            return self.degree(node.value)
        return self._in_time(name)

    def _in_time(self, name: str) -> Degree:
        """A `let` node on a sequence: one that remembers the latent is not affine in one step."""
        node = self.graph.model.nodes[name]
        base = self.graph.model.nodes.get(node.shift.base) if node.shift is not None else None
        if base is not None and base.is_variable:
            return Degree.CONSTANT
        if base is not None:
            known = self.values.inputs(MODEL, base.name)
            return Degree.OTHER if self.latent in known else Degree.CONSTANT
        assert node.value is not None
        return self.degree(node.value)


def _combined(operator: str, left: Degree, right: Degree) -> Degree:
    if operator in ("+", "-"):
        return max(left, right)
    if operator in ("*", "@"):
        return Degree(min(left + right, Degree.OTHER))
    if operator == "/" and right == Degree.CONSTANT:
        return left
    return max(left, right) if max(left, right) == Degree.CONSTANT else Degree.OTHER
