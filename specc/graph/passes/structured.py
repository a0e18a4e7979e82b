"""Vectors that sum to one, factors and squares, recognized by the form of an expression.

    [p, 1 - p]    x / sum(x)    w * p + (1 - w) * q, p and q on the simplex    theta @ beta
    (p + q) / 2    [[a, 0], [c, b]], a and b positive    x * x and x @ x, which are not negative
    w * x + (1 - w) * y, which is between x and y

The support of the entries is not sufficient: numbers in (0, 1) need not sum to one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import product

from specc.catalog.arithmetic import arithmetic_support, numbers, total
from specc.catalog.interval import hull_of
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
from specc.language.expressions.walk import parts
from specc.language.nested import Numbers, rows, shape
from specc.language.nested import numbers as numbers_in

SupportOf = Callable[[Node, Expression], Support]
Affine = dict[str, float]
"""A linear combination of atoms by their text; the constant has the text ""."""

TOLERANCE = 1e-6
"""The tolerance of a sum of constants that should be one."""

MOST_TERMS = 4
"""The largest number of terms of a mean of numbers whose weights are sought."""

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

    def of_square(self, node: Node, expression: Binary) -> Support | None:
        """The support of a product of equal numbers, or of two equal vectors by `@`."""
        left, right = expression.left, expression.right
        inner = expression.operator == "@" and self.ranks.get(left.span) == 1
        if expression.operator != "*" and not inner:
            return None
        if not self._are_equal(left, right):
            return None
        square = arithmetic_support("**", self.of(node, left), point(2))
        return total(square) if inner else square

    def of_mean(self, node: Node, expression: Binary) -> Support | None:
        """The structure of a mean of vectors on a simplex, with weights that sum to one."""
        weights: list[Affine] = []
        if not self._split(node, expression, 1.0, weights) or not _is_one(_sum(weights)):
            return self._of_numbers(node, expression)
        return SIMPLEX

    def _of_numbers(self, node: Node, expression: Binary) -> Support | None:
        """The hull of numbers of which a sum is a mean, entry by entry: `w * x + (1 - w) * y`."""
        terms = list(_terms(expression))
        if not 2 <= len(terms) <= MOST_TERMS or not all(map(_is_product, terms)):
            return None
        choices = [((t.left, t.right), (t.right, t.left)) for t in terms if isinstance(t, Binary)]
        for chosen in product(*choices):
            if not _is_one(_sum([self.affine(node, weight) for weight, _ in chosen])):
                continue
            if all(contains(UNIT_INTERVAL, self.of(node, weight)) for weight, _ in chosen):
                inside = [self.of(node, value) for _, value in chosen]
                discrete = all(each.discrete for each in inside)
                return None if discrete else hull_of([bounds(each) for each in inside])
        return None

    def _weights(self, node: Node, term: Expression, factor: float, found: list[Affine]) -> bool:
        """Whether `factor` times a term is a sum of weights times vectors; adds these to `found`.

        The weights are not negative.
        """
        if is_on_simplex(self.of(node, term)):
            found.append({"": factor})
            return True
        return isinstance(term, Binary) and self._split(node, term, factor, found)

    def _split(self, node: Node, term: Binary, factor: float, found: list[Affine]) -> bool:
        """`_weights` of the operands of a term."""
        left, right = term.left, term.right
        if term.operator == "+":
            return all(self._weights(node, each, factor, found) for each in (left, right))
        if term.operator == "/":
            by = self._constant(node, right)
            return by > 0.0 and self._weights(node, left, factor / by, found)
        if term.operator != "*":
            return False
        for weight, vector in ((left, right), (right, left)):
            by = self._constant(node, weight)
            if by > 0.0:
                return self._weights(node, vector, factor * by, found)
            if self._is_number(weight) and is_on_simplex(self.of(node, vector)):
                found.append(_times(self.affine(node, weight), factor))
                return contains(UNIT_INTERVAL, self.of(node, weight))
        return False

    def _constant(self, node: Node, expression: Expression) -> float:
        """The value of a number that the spec states; 0 for any other expression."""
        if not self._is_number(expression):
            return 0.0
        found = self.affine(node, expression)
        return found.get("", 0.0) if set(found) <= {""} else 0.0

    def of_quotient(self, node: Node, expression: Binary) -> Support | None:
        """The structure of `x / sum(x)` for nonnegative x, or of a mean."""
        left, right = expression.left, expression.right
        if not isinstance(right, Call) or right.function != "sum" or len(right.arguments) != 1:
            return self.of_mean(node, expression)
        same = self._are_equal(right.arguments[0], left)
        inside = self.of(node, left)
        is_vector = self.ranks.get(left.span) == 1
        return SIMPLEX if same and is_vector and contains(NONNEGATIVE, inside) else None

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
        return {self._atom(expression): 1.0}

    def _atom(self, expression: Expression) -> str:
        """The text of an expression, with its place if another one of that text may differ."""
        text = print_expression(expression)
        return f"{text} at {expression.span.start}" if self._draws(expression) else text

    def _draws(self, expression: Expression) -> bool:
        """Whether a link in the expression draws random numbers, as dropout does."""
        links = self.graph.links
        called = (call.function for call in parts(expression).calls)
        return any(links[name].options.draws for name in called if name in links)

    def _are_equal(self, left: Expression, right: Expression) -> bool:
        """Whether two expressions have one value: the same text, without random numbers in it."""
        same = print_expression(left) == print_expression(right)
        return same and not self._draws(left)

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
    discrete = left.discrete and right.discrete
    if is_on_simplex(left) and right_rank >= 2:
        return SIMPLEX if is_on_simplex(right) else numbers(bounds(right), discrete)
    if is_on_simplex(left) and right_rank == 1:
        return numbers(bounds(right), discrete)
    if is_on_simplex(right) and right_rank == 1:
        return numbers(bounds(left), discrete)
    return arithmetic_support("@", left, right)


def _terms(expression: Expression) -> Iterator[Expression]:
    """The terms of a sum."""
    if isinstance(expression, Binary) and expression.operator == "+":
        yield from _terms(expression.left)
        yield from _terms(expression.right)
    else:
        yield expression


def _is_product(expression: Expression) -> bool:
    return isinstance(expression, Binary) and expression.operator == "*"


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
