"""Vectors that sum to one and Cholesky factors, recognized by the form of an expression.

    [p, 1 - p]    x / sum(x)    w * p + (1 - w) * q, p and q on the simplex    theta @ beta
    [[a, 0], [c, b]]    s * L    L @ M, a, b and s positive, L and M Cholesky factors

The support of the entries is not sufficient: numbers in (0, 1) need not sum to one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from specc.catalog.arithmetic import arithmetic_support, numbers
from specc.catalog.supports import (
    CHOLESKY,
    NONNEGATIVE,
    POSITIVE,
    SIMPLEX,
    UNIT_INTERVAL,
    OneHot,
    Simplex,
    Support,
    bounds,
    contains,
    point,
)
from specc.diagnostics.source import Span
from specc.graph.graph import Graph
from specc.graph.nodes import Deterministic, Node
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Binary, Call, Expression, Name, Negate, Number, Sequence
from specc.language.nested import Numbers, rows, shape
from specc.language.nested import numbers as numbers_in

SupportOf = Callable[[Node, Expression], Support]
Affine = dict[str, float]
"""A linear combination of atoms by their text; the constant has the text ""."""

TOLERANCE = 1e-6
"""The tolerance of a sum of constants that should be one."""

MOST_VISITS = 300
"""The largest number of parts of sums that are expanded, within Python's recursion limit."""


def rows_sum_to_one(values: Numbers | None) -> bool:
    """Whether every row of a constant table is a distribution."""
    if values is None or len(shape(values) or ()) < 2:
        return False
    each = [list(numbers_in(row)) for _, row in rows(values)]
    return all(min(row) >= 0.0 and abs(math.fsum(row) - 1.0) < TOLERANCE for row in each)


def is_on_simplex(support: Support) -> bool:
    """Whether a support is a simplex."""
    return isinstance(support, (Simplex, OneHot))


class Structures:
    """Recognizes structure; `of` returns supports of subexpressions, `ranks` their axes."""

    def __init__(self, graph: Graph, of: SupportOf, ranks: Mapping[Span, int]) -> None:
        self.graph, self.of, self.ranks = graph, of, ranks
        self.visits = 0

    def _is_number(self, expression: Expression) -> bool:
        return self.ranks.get(expression.span) == 0

    def of_list(self, node: Node, items: tuple[Expression, ...]) -> Support | None:
        """The structure of a list: a simplex, a Cholesky factor, or None for any other."""
        if all(isinstance(item, Sequence) for item in items):
            rows = [item.items for item in items if isinstance(item, Sequence)]
            if all(isinstance(entry, Sequence) for row in rows for entry in row):
                inner = [self.of_list(node, row) for row in rows]
                return inner[0] if all(found == inner[0] for found in inner) else None
            return CHOLESKY if self._is_factor(node, rows) else self._rows_sum(node, rows)
        return self._rows_sum(node, [items])

    def _is_factor(self, node: Node, rows: list[tuple[Expression, ...]]) -> bool:
        if any(len(row) != len(rows) or not all(map(self._is_number, row)) for row in rows):
            return False
        above = (e for i, row in enumerate(rows) for e in row[i + 1 :])
        diagonal = (row[i] for i, row in enumerate(rows))
        zero = all(self.of(node, entry) == point(0) for entry in above)
        return zero and all(contains(POSITIVE, self.of(node, entry)) for entry in diagonal)

    def _rows_sum(self, node: Node, rows: list[tuple[Expression, ...]]) -> Support | None:
        for row in rows:
            if not all(map(self._is_number, row)):
                return None
            if not all(contains(UNIT_INTERVAL, self.of(node, entry)) for entry in row):
                return None
            if not self._is_one_in_all(node, row):
                return None
        return SIMPLEX

    def _is_one_in_all(self, node: Node, row: tuple[Expression, ...]) -> bool:
        """Whether the entries sum to one, with deterministic nodes as atoms or expanded."""
        return any(
            _is_one(_sum([self.affine(node, entry, visits) for entry in row]))
            for visits in (MOST_VISITS, 0)
        )

    def of_sum(self, node: Node, expression: Binary) -> Support | None:
        """The structure of a sum: a mean of vectors on a simplex, with weights that sum to one."""
        weights: list[Affine] = []
        if not self._weights(node, expression, weights) or not _is_one(_sum(weights)):
            return None
        return SIMPLEX

    def _weights(self, node: Node, term: Expression, found: list[Affine]) -> bool:
        if isinstance(term, Binary) and term.operator == "+":
            left, right = term.left, term.right
            return self._weights(node, left, found) and self._weights(node, right, found)
        if is_on_simplex(self.of(node, term)):
            found.append({"": 1.0})
            return True
        if not isinstance(term, Binary) or term.operator != "*":
            return False
        for weight, vector in ((term.left, term.right), (term.right, term.left)):
            if self._is_number(weight) and is_on_simplex(self.of(node, vector)):
                found.append(self.affine(node, weight))
                return contains(UNIT_INTERVAL, self.of(node, weight))
        return False

    def of_quotient(self, node: Node, expression: Binary) -> Support | None:
        """The structure of `x / sum(x)` for nonnegative x, or of a scaled Cholesky factor."""
        left, right = expression.left, expression.right
        over = isinstance(right, Call) and right.function == "sum" and len(right.arguments) == 1
        if over and isinstance(right, Call):
            same = print_expression(right.arguments[0]) == print_expression(left)
            inside = self.of(node, left)
            if same and self.ranks.get(left.span) == 1 and contains(NONNEGATIVE, inside):
                return SIMPLEX
        return self._scaled(self.of(node, left), self.of(node, right))

    def _scaled(self, factor: Support, by: Support) -> Support | None:
        return CHOLESKY if factor == CHOLESKY and contains(POSITIVE, by) else None

    def of_product(self, node: Node, expression: Binary) -> Support | None:
        """The structure of a Cholesky factor times a positive number."""
        left, right = self.of(node, expression.left), self.of(node, expression.right)
        return self._scaled(left, right) or self._scaled(right, left)

    def affine(self, node: Node, expression: Expression, visits: int = 0) -> Affine:
        """An expression as a linear combination of atoms, with `let` nodes expanded.

        From `MOST_VISITS` visits on, `let` nodes are atoms.
        """
        self.visits = visits
        return self._affine(node, expression)

    def _affine(self, node: Node, expression: Expression) -> Affine:
        self.visits += 1
        match expression:
            case Number(value=value):
                return {"": float(value)}
            case Negate(operand=operand):
                return _times(self._affine(node, operand), -1.0)
            case Binary(operator="+" | "-" as sign, left=left, right=right):
                other = _times(self._affine(node, right), 1.0 if sign == "+" else -1.0)
                return _sum([self._affine(node, left), other])
            case Binary(operator="*" | "/" as operator, left=left, right=right):
                a, b = self._affine(node, left), self._affine(node, right)
                if set(b) <= {""} and (operator == "*" or b.get("")):
                    number = b.get("", 0.0)
                    return _times(a, number if operator == "*" else 1.0 / number)
                if operator == "*" and set(a) <= {""}:
                    return _times(b, a.get("", 0.0))
            case Name(id=name):
                return self._name(node, name)
        return {print_expression(expression): 1.0}

    def _name(self, node: Node, name: str) -> Affine:
        found = self.graph.lookup(node.program, name)
        if found is None:
            value = self.graph.constants.get(name)
            return {"": float(value)} if isinstance(value, (int, float)) else {name: 1.0}
        is_open = found.scan is None and self.visits < MOST_VISITS
        if isinstance(found, Deterministic) and is_open:
            return self._affine(found, found.value)
        return {name: 1.0}


def matmul(left: Support, right: Support, right_rank: int) -> Support:
    """The support of `left @ right`; with weights that sum to one it is a mean."""
    if left == right == CHOLESKY:
        return CHOLESKY
    discrete = left.discrete and right.discrete
    if is_on_simplex(left) and right_rank >= 2:
        return SIMPLEX if is_on_simplex(right) else numbers(bounds(right), discrete)
    if is_on_simplex(left) and right_rank == 1:
        return numbers(bounds(right), discrete)
    if is_on_simplex(right) and right_rank == 1:
        return numbers(bounds(left), discrete)
    return arithmetic_support("@", left, right)


def _sum(terms: list[Affine]) -> Affine:
    total: Affine = {}
    for term in terms:
        for atom, factor in term.items():
            total[atom] = total.get(atom, 0.0) + factor
    return {atom: factor for atom, factor in total.items() if abs(factor) > 1e-12}


def _times(term: Affine, factor: float) -> Affine:
    return {atom: own * factor for atom, own in term.items()}


def _is_one(total: Affine) -> bool:
    return set(total) == {""} and abs(total[""] - 1.0) < TOLERANCE
