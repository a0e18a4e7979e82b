"""Increasing and decreasing vectors, recognized by the form of an expression.

    c + a    a - c    b * c    c / b    c + d    concat(0, sigmoid(c), 1)    c[2] - c[0]

c and d are ordered vectors, a is a number and b one that is not 0. The difference of two entries
of an increasing vector is positive if the first has the larger index.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise

from msgspec.structs import replace

from specc.catalog import interval
from specc.catalog.arithmetic import negate_support
from specc.catalog.supports import (
    NATURAL,
    NONNEGATIVE,
    POSITIVE,
    Ordered,
    Support,
    bounds,
    contains,
)
from specc.diagnostics.source import Span
from specc.graph.nodes import Node
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Binary, Call, Expression, Index

SupportOf = Callable[[Node, Expression], Support]
Affine = Callable[[Node, Expression], Mapping[str, float]]
JOIN = "concat"
NEGATIVE = negate_support(POSITIVE)


class Orders:
    """Recognizes order; `of` returns supports of subexpressions, `ranks` their axes.

    `affine` returns an expression as a linear combination of others by their text.
    """

    def __init__(self, of: SupportOf, ranks: Mapping[Span, int], affine: Affine) -> None:
        self.of, self.ranks, self.affine = of, ranks, affine

    def of_binary(self, node: Node, expression: Binary) -> Support | None:
        """The order that an operation leaves, or the sign of a difference; None for no other."""
        left, right = expression.left, expression.right
        a, b = self.of(node, left), self.of(node, right)
        match expression.operator:
            case "+":
                return _sum(a, b, self._is_number(right)) or _sum(b, a, self._is_number(left))
            case "-":
                b = negate_support(b)
                found = _sum(a, b, self._is_number(right)) or _sum(b, a, self._is_number(left))
                return found or self._difference(node, left, right)
            case "*":
                found = _scaled(a, b) if self._is_number(right) else None
                return found or (_scaled(b, a) if self._is_number(left) else None)
            case "/" if self._is_number(right) and not contains(b, _ZERO):
                return _scaled(a, interval.reciprocal(bounds(b)))
        return None

    def of_call(self, node: Node, call: Call) -> Support | None:
        """The order of a concatenation of numbers and vectors; None if it has none."""
        if call.function != JOIN:
            return None
        parts = [self.of(node, argument) for argument in call.arguments]
        ordered = next((part for part in parts if isinstance(part, Ordered)), None)
        if ordered is None:
            return None
        numbers = [self._is_number(argument) for argument in call.arguments]
        for part, number in zip(parts, numbers, strict=True):
            if not number and not (isinstance(part, Ordered) and part.falling == ordered.falling):
                return None
        return _joined(parts[::-1] if ordered.falling else parts, numbers, ordered.falling)

    def _is_number(self, expression: Expression) -> bool:
        return self.ranks.get(expression.span) == 0

    def _difference(self, node: Node, left: Expression, right: Expression) -> Support | None:
        """The sign of `c[i] - c[j]` of an ordered vector, where i - j is a known number."""
        if not isinstance(left, Index) or not isinstance(right, Index):
            return None
        ordered = self.of(node, left.base)
        (i, *others), (j, *more) = left.indices, right.indices
        if not isinstance(ordered, Ordered) or others or more:
            return None
        if print_expression(left.base) != print_expression(right.base):
            return None
        if self.ranks.get(left.base.span) != 1 or not self._counts(node, (i, j)):
            return None
        apart = _known_difference(self.affine(node, i), self.affine(node, j))
        if not apart:
            return None
        rises = (apart > 0) != ordered.falling
        steps = POSITIVE if ordered.strict else NONNEGATIVE
        return steps if rises else negate_support(steps)

    def _counts(self, node: Node, indices: Iterable[Expression]) -> bool:
        """Whether indices count from the start; a negative one counts from the end."""
        return all(contains(NATURAL, self.of(node, index)) for index in indices)


_ZERO = interval.between((0.0, False), (0.0, False))


def _sum(a: Support, b: Support, b_is_number: bool) -> Support | None:
    """An ordered vector plus a number, or plus another one."""
    if not isinstance(a, Ordered):
        return None
    inside = interval.add(a.inside, bounds(b))
    if b_is_number:
        known = bounds(b).low == bounds(b).high
        return replace(a, inside=inside, ends=a.ends and known)
    if isinstance(b, Ordered) and a.falling == b.falling:
        return replace(a, inside=inside, strict=a.strict or b.strict, ends=a.ends and b.ends)
    return None


def _scaled(a: Support, factor: Support) -> Support | None:
    """An ordered vector times a number that is not 0."""
    if not isinstance(a, Ordered):
        return None
    if contains(NEGATIVE, factor):
        a, factor = negate_support(a), negate_support(factor)
    if not isinstance(a, Ordered) or not contains(POSITIVE, factor):
        return None
    scale = bounds(factor)
    known = scale.low == scale.high
    return replace(a, inside=interval.multiply(a.inside, scale), ends=a.ends and known)


def _joined(parts: list[Support], numbers: list[bool], falling: bool) -> Support | None:
    """The order of parts in ascending order, each above the one before it."""
    strict = all(part.strict for part in parts if isinstance(part, Ordered))
    for before, after in pairwise(map(bounds, parts)):
        if before.high > after.low:
            return None
        touch = before.high == after.low and not (before.high_open or after.low_open)
        strict = strict and not touch and math.isfinite(before.high)
    inside = interval.hull(*map(bounds, parts))
    ends = (parts[0], parts[-1])
    known = numbers[0] and numbers[-1] and all(bounds(e).low == bounds(e).high for e in ends)
    return Ordered(inside, falling, strict, known)


def _known_difference(left: Mapping[str, float], right: Mapping[str, float]) -> float:
    """The difference of two linear combinations if it is a number; 0 if it is not known."""
    atoms = {*left, *right}
    apart = {atom: left.get(atom, 0.0) - right.get(atom, 0.0) for atom in atoms}
    return apart.pop("", 0.0) if not any(v for k, v in apart.items() if k) else 0.0
