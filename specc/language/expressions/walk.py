"""Going through the tree of an expression, without recursion."""

from __future__ import annotations

from collections.abc import Iterator

from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Index,
    Member,
    Name,
    Negate,
    Sequence,
)


def children(expression: Expression) -> tuple[Expression, ...]:
    """The expressions directly inside one, left to right."""
    match expression:
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
        case _:
            return ()


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and all inside it, outermost first, left to right."""
    stack = [expression]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(children(current)))


def names(expression: Expression) -> tuple[Name, ...]:
    """Every plain name: nodes and constants, not links, functions or members."""
    return tuple(e for e in walk(expression) if isinstance(e, Name))


def members(expression: Expression) -> tuple[Member, ...]:
    """Every `program.node`."""
    return tuple(e for e in walk(expression) if isinstance(e, Member))


def calls(expression: Expression) -> tuple[Call, ...]:
    """Every application of a link or a function."""
    return tuple(e for e in walk(expression) if isinstance(e, Call))


def depth(expression: Expression) -> int:
    """How many expressions stand inside one another, at most; 1 for a name."""
    deepest, stack = 0, [(expression, 1)]
    while stack:
        current, level = stack.pop()
        deepest = max(deepest, level)
        stack.extend((child, level + 1) for child in children(current))
    return deepest
