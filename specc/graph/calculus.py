"""Symbolic calculus of scalar expressions: derivatives, and values at zero.

The derivative of a scalar e with respect to an event x is an expression with the shape of x, found
from the root down (reverse mode): if d is the derivative of e with respect to a subexpression, its
operands get

    u + v    d, d            u * v    d v, d u          u / v    d / v
    u @ v    W d for W = v, d @ W for W = u (d v and d u for vectors)
    u ** n   n d u ** (n - 1)          sum(u)    d, for all entries

The expressions of a spec are those of one event; the number of axes of each is known, sizes are
not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from specc.catalog.entry import ShapeMismatch
from specc.catalog.registry import FUNCTIONS
from specc.diagnostics.source import Span
from specc.language.expressions.tree import (
    Binary,
    BinaryOperator,
    Call,
    Expression,
    Name,
    Negate,
    Number,
)
from specc.language.expressions.walk import names

Rank = Callable[[Expression], int]
"""The number of axes of the event of an expression."""

UNKNOWN = -1
"""The number of axes of what a link returns, which has those of the other side of an operation."""


@dataclass
class NotPolynomial(Exception):
    """A part of an expression of which no closed form is known, with the reason."""

    part: Expression
    reason: str


def mentions(expression: Expression, wanted: Collection[str]) -> bool:
    """Whether an expression contains one of the names."""
    return any(name.id in wanted for name in names(expression))


# arithmetic that leaves out zeros and ones


def number(value: int, span: Span) -> Number:
    """A number; `span` is the place of the expression that it comes from."""
    return Number(value, span)


def is_number(expression: Expression, value: float) -> bool:
    """Whether an expression is this number."""
    return isinstance(expression, Number) and expression.value == value


def negative(e: Expression) -> Expression:
    """-e."""
    match e:
        case Negate(operand=operand):
            return operand
        case Number(value=value):
            return Number(-value, e.span)
        case Binary(operator="*" | "/" | "@" as operator, left=left, right=right) if isinstance(
            left, Negate
        ):
            return Binary(operator, left.operand, right, e.span)
        case Binary(operator="*" | "@" as operator, left=left, right=Negate(operand=right)):
            return Binary(operator, left, right, e.span)
        case Binary(operator="+" | "-" as operator, left=left, right=right):
            other: BinaryOperator = "-" if operator == "+" else "+"
            return Binary(other, negative(left), right, e.span)
    return Negate(e, e.span)


def plus(left: Expression, right: Expression) -> Expression:
    """left + right."""
    if is_number(left, 0):
        return right
    if is_number(right, 0):
        return left
    if isinstance(right, Negate):
        return Binary("-", left, right.operand, left.span)
    if isinstance(left, Negate):
        return Binary("-", right, left.operand, left.span)
    if isinstance(right, Binary) and right.operator in ("*", "/", "@"):
        positive = negative(right)
        if _signs(positive) < _signs(right):
            return Binary("-", left, positive, left.span)
    return Binary("+", left, right, left.span)


def _signs(e: Expression) -> int:
    """The number of signs in the factors of a product."""
    match e:
        case Negate(operand=operand):
            return 1 + _signs(operand)
        case Binary(operator="*" | "/" | "@", left=left, right=right):
            return _signs(left) + _signs(right)
    return 0


def times(left: Expression, right: Expression) -> Expression:
    """left * right."""
    if isinstance(left, Negate):
        return negative(times(left.operand, right))
    if isinstance(right, Negate):
        return negative(times(left, right.operand))
    for factor, other in ((left, right), (right, left)):
        if is_number(factor, 1):
            return other
        if is_number(factor, -1):
            return negative(other)
        if is_number(factor, 0):
            return factor
    return Binary("*", left, right, left.span)


def over(left: Expression, right: Expression) -> Expression:
    """left / right."""
    if isinstance(left, Negate):
        return negative(over(left.operand, right))
    return (
        left if is_number(right, 1) or is_number(left, 0) else Binary("/", left, right, left.span)
    )


def product(left: Expression, right: Expression) -> Expression:
    """left @ right."""
    if isinstance(left, Negate):
        return negative(product(left.operand, right))
    if isinstance(right, Negate):
        return negative(product(left, right.operand))
    return Binary("@", left, right, left.span)


# derivatives


def derivative(e: Expression, name: str, rank: Rank) -> Expression:
    """de/dx of a scalar expression with respect to the event x of this name.

    Raises NotPolynomial for an operation whose derivative is not that of a polynomial.
    """
    found = _Derivative(name, rank)
    found.visit(e, number(1, e.span))
    total: Expression = number(0, e.span)
    for part in found.parts:
        total = plus(total, part)
    return total


class _Derivative:
    """Collects the contributions of all places where the name stands.

    A derivative without axes stands for that of every entry.
    """

    def __init__(self, name: str, rank: Rank) -> None:
        self.name, self.rank = name, rank
        self.parts: list[Expression] = []

    def visit(self, e: Expression, d: Expression) -> None:
        if not mentions(e, {self.name}):
            return
        match e:
            case Name():
                self.parts.append(d)
            case Negate(operand=operand):
                self.visit(operand, negative(d))
            case Binary(operator="+", left=left, right=right):
                self.visit(left, self._entries(left, e, d))
                self.visit(right, self._entries(right, e, d))
            case Binary(operator="-", left=left, right=right):
                self.visit(left, self._entries(left, e, d))
                self.visit(right, self._entries(right, e, negative(d)))
            case Binary(operator="*", left=left, right=right):
                self.visit(left, self._entries(left, e, times(d, right)))
                self.visit(right, self._entries(right, e, times(d, left)))
            case Binary(operator="/", left=left, right=right) if not mentions(right, {self.name}):
                self.visit(left, self._entries(left, e, over(d, right)))
            case Binary(operator="@", left=left, right=right):
                self._matmul(left, right, d)
            case Binary(operator="**", left=left, right=Number(value=int(n))) if n >= 1:
                power = left if n == 2 else Binary("**", left, number(n - 1, e.span), e.span)
                inner = number(1, e.span) if n == 1 else times(number(n, e.span), power)
                self.visit(left, times(d, inner))
            case Call(function="sum", arguments=(inner,)):
                self.visit(inner, d)
            case _:
                raise NotPolynomial(e, f"`{self.name}` stands inside it")

    def _entries(self, operand: Expression, whole: Expression, d: Expression) -> Expression:
        """The derivative for an operand, summed over the entries to which it is broadcast."""
        missing = max(self.rank(whole), 0) - max(self.rank(operand), 0)
        if not missing or not mentions(operand, {self.name}):
            return d
        if self.rank(operand) == 0 and self.rank(d) == self.rank(whole):
            return Call("sum", (d,), whole.span, whole.span)
        raise NotPolynomial(whole, f"`{operand.span.text}` has fewer axes than the other side")

    def _matmul(self, left: Expression, right: Expression, d: Expression) -> None:
        ranks = self.rank(left), self.rank(right)
        left_of, right_of = mentions(left, {self.name}), mentions(right, {self.name})
        if ranks == (1, 1):
            self.visit(left, times(d, right))
            self.visit(right, times(d, left))
            return
        is_vector = ranks[0] == 1, ranks[1] == 1
        if (left_of and not is_vector[0]) or (right_of and not is_vector[1]):
            part = left if left_of and not is_vector[0] else right
            raise NotPolynomial(part, f"`{self.name}` is a factor of a matrix")
        if self.rank(d) != 1:
            raise NotPolynomial(left, "the entries of its product are not weighted one by one")
        if left_of:
            self.visit(left, product(right, d))
        if right_of:
            self.visit(right, product(d, left))


def slope(e: Expression, name: str) -> Expression:
    """The slope of an expression that is affine in x, entry by entry: a of a x + b.

    Raises NotPolynomial where an entry of the expression depends on several entries of x, or where
    the expression is not affine.
    """
    if not mentions(e, {name}):
        return number(0, e.span)
    match e:
        case Name():
            return number(1, e.span)
        case Negate(operand=operand):
            return negative(slope(operand, name))
        case Binary(operator="+", left=left, right=right):
            return plus(slope(left, name), slope(right, name))
        case Binary(operator="-", left=left, right=right):
            return plus(slope(left, name), negative(slope(right, name)))
        case Binary(operator="*", left=left, right=right) if not mentions(right, {name}):
            return times(slope(left, name), right)
        case Binary(operator="*", left=left, right=right) if not mentions(left, {name}):
            return times(left, slope(right, name))
        case Binary(operator="/", left=left, right=right) if not mentions(right, {name}):
            return over(slope(left, name), right)
    raise NotPolynomial(e, f"`{name}` is no plain factor there")


# values at zero


def at_zero(e: Expression, wanted: Collection[str], rank: Rank) -> Expression | None:
    """The value of an expression where all `wanted` names are zero; None if the value is zero.

    Raises NotPolynomial where the value at zero is not plain from the text.
    """
    if not mentions(e, wanted):
        return e
    match e:
        case Name():
            return None
        case Negate(operand=operand):
            found = at_zero(operand, wanted, rank)
            return None if found is None else negative(found)
        case Binary(operator="+" | "-" as operator, left=left, right=right):
            return _sum_at_zero(e, operator, left, right, wanted, rank)
        case Binary(operator=operator, left=left, right=right):
            return _product_at_zero(e, operator, left, right, wanted, rank)
        case Call(function=function, arguments=(inner,)) if (
            function in FUNCTIONS and FUNCTIONS[function].linear
        ):
            found = at_zero(inner, wanted, rank)
            return None if found is None else Call(function, (found,), e.function_span, e.span)
    raise NotPolynomial(e, "it is not linear")


def _sum_at_zero(
    e: Expression,
    operator: BinaryOperator,
    left: Expression,
    right: Expression,
    wanted: Collection[str],
    rank: Rank,
) -> Expression | None:
    first, second = (at_zero(side, wanted, rank) for side in (left, right))
    left_out = [s for s, found in ((left, first), (right, second)) if found is None]
    kept = [s for s, found in ((left, first), (right, second)) if found is not None]
    if left_out and kept and rank(kept[0]) < rank(left_out[0]):
        raise NotPolynomial(e, f"`{kept[0].span.text}` has fewer axes than the other side")
    if first is None:
        return None if second is None else (negative(second) if operator == "-" else second)
    if second is None:
        return first
    return plus(first, negative(second) if operator == "-" else second)


def _product_at_zero(
    e: Expression,
    operator: BinaryOperator,
    left: Expression,
    right: Expression,
    wanted: Collection[str],
    rank: Rank,
) -> Expression | None:
    if operator in ("/", "**") and mentions(right, wanted):
        raise NotPolynomial(e, "it is not linear")
    first, second = at_zero(left, wanted, rank), at_zero(right, wanted, rank)
    if first is None or second is None:
        return None
    if operator == "*":
        return times(first, second)
    return Binary(operator, first, second, e.span)


# the number of axes


def rank_of(e: Expression, of_name: Callable[[str], int], of_link: Callable[[Call], int]) -> int:
    """The number of axes of the event of an expression."""

    def rank(part: Expression) -> int:
        return rank_of(part, of_name, of_link)

    match e:
        case Name(id=name):
            return of_name(name)
        case Negate(operand=operand):
            return rank(operand)
        case Binary(operator="@", left=left, right=right):
            return max(rank(left), 1) + max(rank(right), 1) - 2
        case Binary(left=left, right=right):
            return max(rank(left), rank(right))
        case Call(function=function, arguments=arguments):
            return _rank_of_call(e, function, [rank(a) for a in arguments], of_link)
    return 0


def _rank_of_call(
    call: Call, function: str, ranks: list[int], of_link: Callable[[Call], int]
) -> int:
    if function not in FUNCTIONS:
        return of_link(call)
    entry = FUNCTIONS[function]
    if entry.elementwise:
        return max(ranks, default=0)
    try:
        return len(entry.shape(tuple((2,) * rank for rank in ranks)))
    except ShapeMismatch:
        return 0
