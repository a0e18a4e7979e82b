"""Expressions with some of their parts replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from specc.language.expressions.tree import Binary, Call, Expression, Index, Negate, Sequence


def rewrite(
    expression: Expression, replaced: Callable[[Expression], Expression | None]
) -> Expression:
    """The expression with each part for which `replaced` has another in that one's place."""
    found = replaced(expression)
    if found is not None:
        return found
    match expression:
        case Negate(operand=operand):
            return replace(expression, operand=rewrite(operand, replaced))
        case Binary(left=left, right=right):
            left, right = rewrite(left, replaced), rewrite(right, replaced)
            return replace(expression, left=left, right=right)
        case Call(arguments=arguments):
            return replace(expression, arguments=tuple(rewrite(a, replaced) for a in arguments))
        case Index(base=base, indices=indices):
            indices = tuple(rewrite(i, replaced) for i in indices)
            return replace(expression, base=rewrite(base, replaced), indices=indices)
        case Sequence(items=items):
            return replace(expression, items=tuple(rewrite(i, replaced) for i in items))
    return expression
