"""What a name inside an expression may mean, and which names an expression mentions."""

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
    """The expressions directly inside one."""
    match expression:
        case Negate(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case Call(arguments=arguments):
            return arguments
        case Index(base=base, index=index):
            return (base, index)
        case Sequence(items=items):
            return items
        case _:
            return ()


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and all inside it, left to right, outermost first."""
    stack = [expression]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(children(current)))


def names(expression: Expression) -> tuple[Name, ...]:
    """Every plain name in the expression: nodes and constants, not links or functions."""
    return tuple(e for e in walk(expression) if isinstance(e, Name))


def members(expression: Expression) -> tuple[Member, ...]:
    """Every `program.node` in the expression."""
    return tuple(e for e in walk(expression) if isinstance(e, Member))


def calls(expression: Expression) -> tuple[Call, ...]:
    """Every application of a link or a function in the expression."""
    return tuple(e for e in walk(expression) if isinstance(e, Call))
