"""Values of scalar expressions where some of their names are zero.

A value at zero can have fewer entries than the expression: with a vector x, `2 * x - 1` is -1 at
x = 0, once for each entry. Such a number is repeated where a sum or a product joins it with others:

    sum(r)    n r            u @ r, r @ u    r sum(u)         (r @ W) @ u    r sum(W @ u)
"""

from __future__ import annotations

import math
from collections.abc import Collection

from msgspec import Struct
from msgspec.structs import replace

from specc.catalog.arithmetic import matmul_shape
from specc.catalog.entry import Shape, ShapeMismatch
from specc.graph.calculus import (
    NotPolynomial,
    Rank,
    ShapeOf,
    is_number,
    mentions,
    negative,
    no_shape,
    number,
    over,
    plus,
    product,
    shown,
    times,
)
from specc.graph.constants import number_of
from specc.graph.linear_maps import NO_LINKS, LinearMaps
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Name,
    Negate,
    Number,
    Sequence,
)

MOST_WRITTEN = 16
"""The largest vector that is written as a list of one number."""


class Repeated(Struct, frozen=True):
    """A number, or an event of fewer entries, that is repeated to a shape."""

    number: Expression
    shape: Shape


Value = Expression | Repeated
"""A value at zero."""


def at_zero(
    e: Expression,
    wanted: Collection[str],
    rank: Rank,
    shape: ShapeOf = no_shape,
    maps: LinearMaps = NO_LINKS,
) -> Expression | None:
    """The value of an expression where all `wanted` names are zero; None if the value is zero.

    A value with fewer axes than the expression is that of every entry. Raises NotPolynomial where
    the value at zero is not plain from the text.
    """
    found = _AtZero(wanted, rank, shape, maps).value(e)
    return found.number if isinstance(found, Repeated) else found


class _AtZero(Struct, frozen=True):
    """The values of expressions where the `wanted` names are zero."""

    wanted: Collection[str]
    rank: Rank
    shape: ShapeOf
    maps: LinearMaps

    def value(self, e: Expression) -> Value | None:
        if not mentions(e, self.wanted):
            return e
        found = self._value(e)
        if found is None or isinstance(found, Repeated):
            return found
        if is_number(found, 0):
            return None
        # Arithmetic drops factors: a * x / a is a number where x has the same one in all entries.
        own, shape = self.shape(found), self.shape(e)
        return found if own is None or shape in (None, own) else Repeated(found, shape)

    def _value(self, e: Expression) -> Value | None:
        match e:
            case Name():
                return None
            case Negate(operand=operand):
                found = self.value(operand)
                if isinstance(found, Repeated):
                    return Repeated(negative(found.number), found.shape)
                return None if found is None else negative(found)
            case Binary(operator="+" | "-"):
                return self._sum(e)
            case Binary(operator="@"):
                return self._matmul(e)
            case Binary():
                return self._product(e)
            case Call() if self.maps.is_affine(e):
                return self._affine(e, self.value(e.arguments[0]))
        raise NotPolynomial(e, "it is not linear")

    def _affine(self, e: Call, found: Value | None) -> Expression | None:
        """The value of an affine map; a link has a number in place of an event of equal entries."""
        if found is None and not self.maps.has_offset(e):
            return None
        inner = number(0, e.span) if found is None else found
        bare = inner.number if isinstance(inner, Repeated) else inner
        value = number_of(bare, {}, lambda name: None)
        if self.maps.is_link(e) and value is not None:
            return replace(e, arguments=(number(value, e.span),))
        if not isinstance(inner, Repeated):
            return replace(e, arguments=(inner, *e.arguments[1:]))
        if self.maps.is_link(e) and self.shape(inner.number) == ():
            return self._scaled(e, inner.number)
        return self._linear(e, inner)

    def _scaled(self, e: Call, factor: Expression) -> Expression:
        """The value of a link where each entry is a factor: of f at 1, without its constant."""
        zero, one = (replace(e, arguments=(number(n, e.span),)) for n in (0, 1))
        if not self.maps.has_offset(e):
            return times(factor, one)
        return plus(times(factor, Binary("-", one, zero, e.span)), zero)

    def _linear(self, e: Call, found: Repeated) -> Expression:
        own = self.shape(found.number)
        if own is None or e.function not in ("sum", "mean"):
            raise NotPolynomial(e, "it is not linear")
        total = Call(e.function, (found.number,), e.function_span, e.span) if own else found.number
        if e.function == "mean":
            return total
        return times(number(math.prod(found.shape) // math.prod(own), e.span), total)

    # sums and products entry by entry

    def _sum(self, e: Binary) -> Value | None:
        first, second = self.value(e.left), self.value(e.right)
        if second is not None and e.operator == "-":
            second = (
                Repeated(negative(second.number), second.shape)
                if isinstance(second, Repeated)
                else negative(second)
            )
        if first is None or second is None:
            found = second if first is None else first
            return None if found is None else self._widened(found, e)
        return self._joined(e, plus(*self._bare(first, second)), first, second)

    def _product(self, e: Binary) -> Value | None:
        if e.operator == "/" and mentions(e.right, self.wanted):
            raise NotPolynomial(e, "it is not linear")
        if e.operator == "**" and not (isinstance(e.right, Number) and e.right.value >= 1):
            raise NotPolynomial(e, "it is not linear")
        first, second = self.value(e.left), self.value(e.right)
        if first is None or second is None:
            return None
        left, right = self._bare(first, second)
        if e.operator == "**":
            return self._joined(e, Binary("**", left, right, e.span), first, second)
        return self._joined(e, (times if e.operator == "*" else over)(left, right), first, second)

    def _bare(self, *values: Value) -> tuple[Expression, ...]:
        return tuple(v.number if isinstance(v, Repeated) else v for v in values)

    def _joined(self, e: Binary, found: Expression, *values: Value) -> Value:
        """The sum or the product of two values, which is repeated if it has fewer entries."""
        return self._widened(found, e) if any(isinstance(v, Repeated) for v in values) else found

    def _widened(self, found: Value, e: Expression) -> Value:
        """A value in the shape of an expression."""
        bare = found.number if isinstance(found, Repeated) else found
        own, shape = self.shape(bare), self.shape(e)
        if own is None or shape is None:
            if isinstance(found, Repeated) or self.rank(bare) < self.rank(e):
                raise NotPolynomial(e, f"{shown(bare)} has fewer entries than the other side")
            return bare
        return bare if own == shape else Repeated(bare, shape)

    # products of vectors and matrices

    def _matmul(self, e: Binary) -> Value | None:
        regrouped = self._regrouped(e)
        if regrouped is not None:
            return self.value(regrouped)
        first, second = self.value(e.left), self.value(e.right)
        if first is None or second is None:
            return None
        for found in (first, second):
            if isinstance(found, Repeated) and self.shape(found.number) != ():
                raise NotPolynomial(
                    e, f"{shown(found.number)} has fewer entries than the other side"
                )
        if isinstance(first, Repeated):
            if isinstance(second, Repeated):
                return self._of_two(e, first, second)
            return self._of_one(e, first, second, is_left=True)
        if isinstance(second, Repeated):
            return self._of_one(e, second, first, is_left=False)
        return Binary("@", first, second, e.span)

    def _regrouped(self, e: Binary) -> Binary | None:
        """x @ (W @ y) for (x @ W) @ y where x is a repeated number, and the other way round."""
        if self.shape(e) != ():
            return None
        match e:
            case Binary(left=Binary(operator="@", left=x, right=w), right=y) if self._is_number(
                x
            ) and not self._is_number(y):
                return Binary("@", x, product(w, y), e.span)
            case Binary(left=x, right=Binary(operator="@", left=w, right=y)) if self._is_number(
                y
            ) and not self._is_number(x):
                return Binary("@", product(x, w), y, e.span)
        return None

    def _is_number(self, e: Expression) -> bool:
        """Whether a vector is a repeated number at zero."""
        is_vector = len(self.shape(e) or ()) == 1
        return is_vector and isinstance(self.value(e), Repeated)

    def _of_two(self, e: Binary, first: Repeated, second: Repeated) -> Value:
        both = times(first.number, second.number)
        try:
            shape = matmul_shape(first.shape, second.shape)
        except ShapeMismatch:
            raise NotPolynomial(e, "its sides do not fit") from None
        found = times(number(first.shape[-1], e.span), both)
        return Repeated(found, shape) if shape else found

    def _of_one(self, e: Binary, found: Repeated, other: Expression, *, is_left: bool) -> Value:
        if len(self.shape(other) or ()) == 1:
            total = times(found.number, Call("sum", (other,), other.span, other.span))
            rest = found.shape[:-1] if is_left else found.shape[1:]
            return Repeated(total, rest) if rest else total
        if len(found.shape) != 1 or found.shape[0] > MOST_WRITTEN:
            raise NotPolynomial(e, f"{shown(found.number)} is a factor of a matrix")
        written = Sequence((found.number,) * found.shape[0], e.span)
        left, right = (written, other) if is_left else (other, written)
        return Binary("@", left, right, e.span)
