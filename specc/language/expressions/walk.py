"""Traversals of syntax trees, independent of the kinds of expressions.

Only `children` and `rebuilt` know the fields that contain subexpressions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar, assert_never

from msgspec.structs import replace

from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Index,
    Member,
    Name,
    Negate,
    Number,
    Over,
    Parts,
    Sequence,
)

T = TypeVar("T")


def children(expression: Expression) -> tuple[Expression, ...]:
    """The direct subexpressions, left to right."""
    match expression:
        case Number() | Name() | Member():
            return ()
        case Negate(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case Call(arguments=arguments):
            return arguments
        case Index(base=base, indices=indices):
            return (base, *indices)
        case Sequence(items=items):
            return items
        case Over(operand=operand, lengths=lengths, index=index):
            return tuple(each for each in (operand, lengths, index) if each is not None)
        case _:
            assert_never(expression)


def rebuilt(expression: Expression, inside: tuple[Expression, ...]) -> Expression:
    """The expression with `inside` instead of `children(expression)`."""
    match expression:
        case Number() | Name() | Member():
            return expression
        case Negate():
            return replace(expression, operand=inside[0])
        case Binary():
            return replace(expression, left=inside[0], right=inside[1])
        case Call():
            return replace(expression, arguments=inside)
        case Index():
            return replace(expression, base=inside[0], indices=inside[1:])
        case Sequence():
            return replace(expression, items=inside)
        case Over(lengths=None, index=None):
            return replace(expression, operand=inside[0])
        case Over(lengths=None):
            return replace(expression, operand=inside[0], index=inside[1])
        case Over():
            lengths = inside[1]
            assert isinstance(lengths, Name)
            return replace(expression, operand=inside[0], lengths=lengths)
        case _:
            assert_never(expression)


def fold(expression: Expression, combine: Callable[[Expression, tuple[T, ...]], T]) -> T:
    """The value of an expression, computed bottom-up by `combine` from those of its children."""
    return combine(expression, tuple(fold(child, combine) for child in children(expression)))


def rewrite(
    expression: Expression, replaced: Callable[[Expression], Expression | None]
) -> Expression:
    """The expression with each subexpression for which `replaced` returns another one replaced."""
    found = replaced(expression)
    if found is not None:
        return found
    return rebuilt(expression, tuple(rewrite(c, replaced) for c in children(expression)))


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and all subexpressions in preorder, without recursion."""
    stack = [expression]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(children(current)))


def parts(expression: Expression) -> Parts:
    """The parts of an expression; nearly all passes ask for them, so they are found only once."""
    kept = expression.__dict__
    if "parts" not in kept:
        every = tuple(walk(expression))
        kept["parts"] = Parts(
            tuple(e for e in every if isinstance(e, Name)),
            tuple(e for e in every if isinstance(e, Member)),
            tuple(e for e in every if isinstance(e, Call)),
        )
    found: Parts = kept["parts"]
    return found


def names(expression: Expression) -> tuple[Name, ...]:
    """All plain names: nodes and constants, but not links, functions or members."""
    return parts(expression).names


def members(expression: Expression) -> tuple[Member, ...]:
    """All members, `program.node`."""
    return parts(expression).members


def calls(expression: Expression) -> tuple[Call, ...]:
    """All calls of links and functions."""
    return parts(expression).calls


def depth(expression: Expression) -> int:
    """The nesting depth of an expression, 1 for a name; without recursion."""
    deepest, stack = 0, [(expression, 1)]
    while stack:
        current, level = stack.pop()
        deepest = max(deepest, level)
        stack.extend((child, level + 1) for child in children(current))
    return deepest
