"""Symbolic calculus of scalar expressions: derivatives.

The derivative of a scalar e with respect to an event x is an expression with the shape of x, found
from the root down (reverse mode): if d is the derivative of e with respect to a subexpression, its
operands get

    u + v    d, d            u * v    d v, d u          u / v    d / v
    u @ v    W d for W = v, d @ W for W = u (d v and d u for vectors)
    u ** n   n d u ** (n - 1)          sum(u)    d, for all entries
    f(u)     the adjoint of f at d, for an affine f

The expressions of a spec are those of one event; the number of axes of each is known. Sizes are
known of most of them: where a value is repeated, its derivative is a sum over the repetitions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from fractions import Fraction

from specc.catalog.entry import Shape
from specc.diagnostics.source import Span
from specc.graph.linear_maps import NO_LINKS, LinearMaps
from specc.graph.ranks import UNKNOWN
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import (
    Binary,
    BinaryOperator,
    Call,
    Expression,
    Name,
    Negate,
    Number,
)
from specc.language.expressions.walk import names, walk

Rank = Callable[[Expression], int]
"""The number of axes of the event of an expression."""

ShapeOf = Callable[[Expression], Shape | None]
"""The shape of the event of an expression, None if it is not known."""


def no_shape(e: Expression) -> Shape | None:
    """No known shape."""
    return None


DENOMINATOR = 1024
"""The largest denominator of a numeric factor that is written as a fraction."""

EXACT = 2**53
"""The largest integer up to which all are floating-point numbers; larger ones are not merged."""


@dataclass
class NotPolynomial(Exception):
    """A part of an expression of which no closed form is known, with the reason."""

    part: Expression
    reason: str


def mentions(expression: Expression, wanted: Collection[str]) -> bool:
    """Whether an expression contains one of the names."""
    return any(name.id in wanted for name in names(expression))


# arithmetic that leaves out zeros and ones


def number(value: float, span: Span) -> Number:
    """A number; `span` is the place of the expression that it comes from."""
    whole = int(value) if value == int(value) else value
    return Number(whole, span)


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
        case Binary(operator="/", left=Number(value=value), right=right) if value < 0:
            return Binary("/", number(-value, e.span), right, e.span)
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
    if isinstance(right, Negate) or (isinstance(right, Number) and right.value < 0):
        return Binary("-", left, negative(right), left.span)
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
        case Number(value=value):
            return int(value < 0)
        case Negate(operand=operand):
            return 1 + _signs(operand)
        case Binary(operator="*" | "/" | "@", left=left, right=right):
            return _signs(left) + _signs(right)
    return 0


def times(left: Expression, right: Expression) -> Expression:
    """left * right, with the numeric factors of both in front: 2 * (x / 2) is x."""
    if isinstance(left, Negate):
        return negative(times(left.operand, right))
    if isinstance(right, Negate):
        return negative(times(left, right.operand))
    (first, factor), (second, other) = _factors(left), _factors(right)
    if not _is_exact(first * second):
        return Binary("*", left, right, left.span)
    if factor is None or other is None:
        return _scaled(first * second, factor or other, left.span)
    for one, rest in ((factor, other), (other, factor)):
        if isinstance(one, Binary) and one.operator == "/" and is_number(one.left, 1):
            return _scaled(first * second, over(rest, one.right), left.span)
    if first == second == 1:
        return Binary("*", left, right, left.span)
    return _scaled(first * second, Binary("*", factor, other, left.span), left.span)


def over(left: Expression, right: Expression) -> Expression:
    """left / right."""
    if isinstance(left, Negate):
        return negative(over(left.operand, right))
    if isinstance(right, Binary) and right.operator == "/" and is_number(right.left, 1):
        return times(left, right.right)
    if isinstance(left, Binary) and left.operator == "/" and _is_same(left.right, right):
        return over(left.left, Binary("**", right, number(2, right.span), right.span))
    (first, factor), (second, other) = _factors(left), _factors(right)
    is_plain = other is not None and first == second == 1 and factor is not None
    if second == 0 or is_plain or not _is_exact(first / second):
        return Binary("/", left, right, left.span)
    if other is None:
        return _scaled(first / second, factor, left.span)
    ratio = first / second
    if first == 0:
        return number(0, left.span)
    top = _scaled(Fraction(ratio.numerator), factor, left.span)
    return Binary("/", top, _scaled(Fraction(ratio.denominator), other, left.span), left.span)


def _is_exact(factor: Fraction) -> bool:
    """Whether numerator and denominator are floating-point numbers without rounding."""
    return abs(factor.numerator) <= EXACT and factor.denominator <= EXACT


def _is_same(left: Expression, right: Expression) -> bool:
    return not isinstance(left, Number) and print_expression(left) == print_expression(right)


def _factors(e: Expression) -> tuple[Fraction, Expression | None]:
    """The numeric factor of an expression, and the rest; None for a number alone.

    A decimal that is no short binary fraction, such as 0.1, counts as part of the rest.
    """
    match e:
        case Number(value=value) if _is_short(value):
            return Fraction(value), None
        case Binary(operator="*", left=Number() as amount, right=rest):
            first, other = _factors(amount)
            second, inner = _factors(rest)
            is_merged = other is None and _is_exact(first * second)
            return (first * second, inner) if is_merged else (Fraction(1), e)
        case Binary(operator="/", left=left, right=right):
            (first, factor), (second, other) = _factors(left), _factors(right)
            if second == 0 or first == second == 1 or not _is_exact(first / second):
                return Fraction(1), e
            if other is None:
                return first / second, factor
            top = factor or number(1, e.span)
            return first / second, Binary("/", top, other, e.span)
    return Fraction(1), e


def _is_short(value: float) -> bool:
    """Whether a number is merged with others: a small fraction, such as 3 or 0.25."""
    return abs(value) <= EXACT and Fraction(value).denominator <= DENOMINATOR


def _is_sum(e: Expression) -> bool:
    return isinstance(e, Binary) and e.operator in ("+", "-")


def _scaled(factor: Fraction, rest: Expression | None, span: Span) -> Expression:
    """factor * rest as it is written: `2 * x`, `x / 2`, `-x`."""
    if factor == 0 or rest is None:
        top = number(factor.numerator, span)
        if factor.denominator == 1:
            return top
        return Binary("/", top, number(factor.denominator, span), span)
    if factor < 0:  # a product takes the sign of a sum in front
        made = _scaled(-factor, rest, span)
        return Negate(made, span) if _is_sum(made) else negative(made)
    up, down = (number(n, span) for n in (factor.numerator, factor.denominator))
    made = rest if factor.numerator == 1 else _in_front(up, rest)
    return made if factor.denominator == 1 else Binary("/", made, down, span)


def _in_front(amount: Number, rest: Expression) -> Expression:
    """A number times a product, as its first factor."""
    if isinstance(rest, Binary) and rest.operator == "*":
        return Binary("*", _in_front(amount, rest.left), rest.right, rest.span)
    return Binary("*", amount, rest, rest.span)


def product(left: Expression, right: Expression) -> Expression:
    """left @ right."""
    if isinstance(left, Negate):
        return negative(product(left.operand, right))
    if isinstance(right, Negate):
        return negative(product(left, right.operand))
    (first, factor), (second, other) = _factors(left), _factors(right)
    if factor is None or other is None or first == second == 1 or not _is_exact(first * second):
        return Binary("@", left, right, left.span)
    return _scaled(first * second, Binary("@", factor, other, left.span), left.span)


# derivatives


def derivative(
    e: Expression,
    name: str,
    rank: Rank,
    shape: ShapeOf = no_shape,
    maps: LinearMaps = NO_LINKS,
) -> Expression:
    """de/dx of a scalar expression with respect to the event x of this name.

    A derivative with fewer axes than x is that of every entry. Raises NotPolynomial for an
    operation whose derivative is not that of a polynomial.
    """
    found = _Derivative(name, rank, shape, maps)
    found.visit(e, number(1, e.span))
    return collected(found.parts, e.span)


def collected(parts: Iterable[Expression], span: Span) -> Expression:
    """The sum of some parts; those that are equal up to a number become one."""
    first: dict[str, Expression] = {}
    found: dict[str, tuple[Fraction, Expression | None]] = {}
    for part in parts:
        bare, sign = (part.operand, -1) if isinstance(part, Negate) else (part, 1)
        factor, rest = _factors(bare)
        key = "" if rest is None else print_expression(rest)
        before = found[key][0] if key in found else Fraction(0)
        first[key] = _scaled(before + sign * factor, rest, span) if key in found else part
        found[key] = before + sign * factor, rest
    total: Expression = number(0, span)
    for key, part in first.items():
        total = plus(total, part) if found[key][0] else total
    return total


class _Derivative:
    """Collects the contributions of all places where the name stands.

    A derivative without axes stands for that of every entry.
    """

    def __init__(self, name: str, rank: Rank, shape: ShapeOf, maps: LinearMaps) -> None:
        self.name, self.rank, self.shape, self.maps = name, rank, shape, maps
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
            case Call() if self.maps.is_affine(e):
                self.visit(e.arguments[0], self._adjoint(e, d))
            case Call() if self.maps.is_link(e):
                raise NotPolynomial(e, self.maps.why_not(e))
            case _:
                raise NotPolynomial(e, f"`{self.name}` stands inside it")

    def _adjoint(self, call: Call, d: Expression) -> Expression:
        """The adjoint of a map at the derivative, with factors without axes in front of it."""
        if isinstance(d, Negate):
            return negative(self._adjoint(call, d.operand))
        if isinstance(d, Binary) and d.operator == "*" and self.rank(d.left) == 0:
            return times(d.left, self._adjoint(call, d.right))
        if isinstance(d, Binary) and d.operator == "/" and self.rank(d.right) == 0:
            return over(self._adjoint(call, d.left), d.right)
        own, wanted = self.shape(d), self.shape(call)
        is_whole = self.rank(d) == self.rank(call) if None in (own, wanted) else own == wanted
        found = self.maps.adjoint(call, d) if is_whole or self.rank(call) == UNKNOWN else None
        if found is None:
            raise NotPolynomial(call, "its entries are not weighted one by one")
        return found

    def _entries(self, operand: Expression, whole: Expression, d: Expression) -> Expression:
        """The derivative for an operand, summed over the entries to which it is broadcast."""
        if not mentions(operand, {self.name}):
            return d
        own, shape = self.shape(operand), self.shape(whole)
        if own is not None and shape is not None:
            if own == shape:
                return d
            if own == () and (found := self._total(d, shape)) is not None:
                return found
        elif max(self.rank(whole), 0) == max(self.rank(operand), 0):
            return d
        elif self.rank(operand) == 0 and self.rank(d) == self.rank(whole):
            return Call("sum", (d,), whole.span, whole.span)
        raise NotPolynomial(whole, f"{shown(operand)} has fewer entries than the other side")

    def _total(self, d: Expression, shape: Shape) -> Expression | None:
        """The sum of a derivative over all entries of a shape to which it is repeated."""
        known = self.shape(d)
        if known is None:
            return None
        count = number(math.prod(shape) // math.prod(known), d.span)
        return times(Call("sum", (d,), d.span, d.span) if known else d, count)

    def _matmul(self, left: Expression, right: Expression, d: Expression) -> None:
        # A link returns a vector where the other side is one.
        ranks = tuple(1 if r == UNKNOWN else r for r in map(self.rank, (left, right)))
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


def shown(e: Expression) -> str:
    """An expression as a message shows it: its text, or a word for what no text stands for."""
    return f"`{e.span.text}`" if e.span.text else "a part"


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


def degree(e: Expression, name: str, maps: LinearMaps = NO_LINKS) -> float:
    """The degree of a polynomial in x; infinite for another function of it."""

    def inside(part: Expression) -> float:
        return degree(part, name, maps)

    if not mentions(e, {name}):
        return 0
    match e:
        case Name():
            return 1
        case Negate(operand=operand):
            return inside(operand)
        case Binary(operator="+" | "-", left=left, right=right):
            return max(inside(left), inside(right))
        case Binary(operator="*" | "@", left=left, right=right):
            return inside(left) + inside(right)
        case Binary(operator="/", left=left, right=right) if not mentions(right, {name}):
            return inside(left)
        case Binary(operator="**", left=left, right=Number(value=int(n))) if n >= 0:
            return n * inside(left)
        case Call() if maps.is_affine(e):
            return inside(e.arguments[0])
    return math.inf


def is_mixed(e: Expression, name: str, maps: LinearMaps = NO_LINKS) -> bool:
    """Whether x is inside a matrix product or a link in an expression, so that its entries mix."""
    return any(
        mentions(part, {name})
        for part in walk(e)
        if (isinstance(part, Binary) and part.operator == "@")
        or (isinstance(part, Call) and maps.is_link(part))
    )
