"""Positive definite matrices and Cholesky factors, recognized by the form of an expression.

    A @ transpose(A)    B @ K @ transpose(B)    k(x, x) for a kernel k    outer(v, v)
    K + M    K * M    K ** 2    c * K    K / c    K + c    s * L    L + M    L @ M

K and M are positive semidefinite, c is a number >= 0, L and M Cholesky factors, s > 0. A sum is
positive definite if a term is, and a product of entries if both factors are (Schur 1911; Horn and
Johnson, Matrix Analysis, 2013, theorems 7.1.3 and 7.5.3). A matrix [1, 1] that is added to a larger
one is added to each entry: it is a number, and not a positive definite term.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from specc.catalog.entry import Shape
from specc.catalog.supports import (
    CHOLESKY,
    NONNEGATIVE,
    POSITIVE,
    POSITIVE_DEFINITE,
    POSITIVE_DIAGONAL,
    POSITIVE_SEMIDEFINITE,
    REAL,
    Support,
    contains,
)
from specc.diagnostics.source import Span
from specc.graph.graph import Graph
from specc.graph.nodes import Node
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Binary, Call, Expression, Number

SupportOf = Callable[[Node, Expression], Support]
TRANSPOSE = "transpose"


class Matrices:
    """Recognizes matrices; `of` returns supports of subexpressions, `shapes` their shapes."""

    def __init__(self, graph: Graph, of: SupportOf, shapes: Mapping[Span, Shape]) -> None:
        self.graph, self.of, self.shapes = graph, of, shapes

    def of_binary(self, node: Node, expression: Binary) -> Support | None:
        """The set of matrices that an operation gives; None if it is not known."""
        left, right = expression.left, expression.right
        a, b = self.of(node, left), self.of(node, right)
        match expression.operator:
            case "+":
                if self._is_spread(left, right):
                    a = _of_equal_entries(a)
                if self._is_spread(right, left):
                    b = _of_equal_entries(b)
                return self._sum(a, b, right) or self._sum(b, a, left)
            case "*":
                found = self._scaled(a, b, right) or self._scaled(b, a, left)
                return found or _schur(a, b)
            case "/":
                return self._scaled(a, b, right)
            case "**":
                whole = isinstance(right, Number) and float(right.value).is_integer()
                return _schur(a, a) if whole and contains(POSITIVE, b) else None
            case "@":
                return self._product(node, expression)
        return None

    def of_call(self, node: Node, call: Call) -> Support | None:
        """Positive semidefinite, if a function of inner products has two equal arguments."""
        entry = self.graph.functions[call.function]
        if not entry.gram or not _same(*call.arguments[:2]):
            return None
        return POSITIVE_SEMIDEFINITE

    def _is_number(self, expression: Expression) -> bool:
        return self.shapes.get(expression.span) == ()

    def _is_spread(self, expression: Expression, over: Expression) -> bool:
        """Whether a matrix [1, 1] is added to each entry of a larger one."""
        own, other = (self.shapes.get(each.span, ()) for each in (expression, over))
        return len(own) == len(other) == 2 and own == (1, 1) != other

    def _sum(self, a: Support, b: Support, other: Expression) -> Support | None:
        """A sum of two factors, of two matrices, or of a matrix and a number >= 0 in each entry."""
        if a == b == POSITIVE_DIAGONAL:
            return a
        if contains(CHOLESKY, a) and contains(CHOLESKY, b):
            return CHOLESKY
        is_constant = self._is_number(other) and contains(NONNEGATIVE, b)
        if not contains(POSITIVE_SEMIDEFINITE, a):
            return None
        if is_constant or contains(POSITIVE_SEMIDEFINITE, b):
            strict = contains(POSITIVE_DEFINITE, a) or contains(POSITIVE_DEFINITE, b)
            return POSITIVE_DEFINITE if strict else POSITIVE_SEMIDEFINITE
        return None

    def _scaled(self, matrix: Support, by: Support, factor: Expression) -> Support | None:
        """A matrix times a number; positive entries also scale the columns of a factor."""
        if contains(POSITIVE, by):
            if matrix == POSITIVE_DIAGONAL:
                return matrix
            if contains(CHOLESKY, matrix):
                return CHOLESKY
            if self._is_number(factor) and contains(POSITIVE_DEFINITE, matrix):
                return POSITIVE_DEFINITE
        at_least_zero = self._is_number(factor) and contains(NONNEGATIVE, by)
        if at_least_zero and contains(POSITIVE_SEMIDEFINITE, matrix):
            return POSITIVE_SEMIDEFINITE
        return None

    def _product(self, node: Node, product: Binary) -> Support | None:
        left, right = product.left, product.right
        a, b = self.of(node, left), self.of(node, right)
        if a == b == POSITIVE_DIAGONAL:
            return a
        if contains(CHOLESKY, a) and contains(CHOLESKY, b):
            return CHOLESKY
        if _is_transpose(right, left) or _is_transpose(left, right):
            invertible = contains(CHOLESKY, a) or contains(CHOLESKY, b)
            return POSITIVE_DEFINITE if invertible else POSITIVE_SEMIDEFINITE
        if isinstance(left, Binary) and left.operator == "@":
            inner = self.of(node, left.right)
            around = _is_transpose(right, left.left) or _is_transpose(left.left, right)
            if around and contains(POSITIVE_SEMIDEFINITE, inner):
                ends = (self.of(node, left.left), b)
                invertible = any(contains(CHOLESKY, end) for end in ends)
                strict = invertible and contains(POSITIVE_DEFINITE, inner)
                return POSITIVE_DEFINITE if strict else POSITIVE_SEMIDEFINITE
        return None


def _of_equal_entries(number: Support) -> Support:
    """The set of the matrices whose entries are all equal to a number of a matrix [1, 1]."""
    return POSITIVE_SEMIDEFINITE if contains(POSITIVE_SEMIDEFINITE, number) else REAL


def _schur(a: Support, b: Support) -> Support | None:
    """The products of the entries of two matrices."""
    if contains(POSITIVE_DEFINITE, a) and contains(POSITIVE_DEFINITE, b):
        return POSITIVE_DEFINITE
    both = contains(POSITIVE_SEMIDEFINITE, a) and contains(POSITIVE_SEMIDEFINITE, b)
    return POSITIVE_SEMIDEFINITE if both else None


def _is_transpose(expression: Expression, of: Expression) -> bool:
    """Whether an expression is the transpose of another one."""
    if not isinstance(expression, Call) or expression.function != TRANSPOSE:
        return False
    return _same(expression.arguments[0], of)


def _same(left: Expression, right: Expression) -> bool:
    return print_expression(left) == print_expression(right)
