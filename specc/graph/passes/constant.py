"""Expressions of numbers alone: what they come to, and where that is no number."""

from __future__ import annotations

from collections.abc import Mapping

from specc.catalog.functions import index as functions
from specc.graph.passes.sizes import ShapeOf, number_of
from specc.language.expressions.tree import Binary, Call, Expression, Negate, Number


def constant(
    expression: Expression, constants: Mapping[str, object], shape_of: ShapeOf
) -> int | float | None:
    """The value of an expression of numbers and functions of them; None if it is not one."""
    known = number_of(expression, constants, shape_of)
    if known is not None:
        return known
    match expression:
        case Negate(operand=operand):
            inner = constant(operand, constants, shape_of)
            return None if inner is None else -inner
        case Binary(left=left, right=right):
            sides = [constant(side, constants, shape_of) for side in (left, right)]
        case Call(function=name, arguments=arguments) if functions.contains(name):
            sides = [constant(argument, constants, shape_of) for argument in arguments]
            if any(side is None for side in sides):
                return None
            value = functions.function(name).constant(*sides)
            return value if isinstance(value, (int, float)) else None
        case _:
            return None
    if any(side is None for side in sides):
        return None
    spans = (expression.left.span, expression.right.span)
    left, right = (Number(v, span) for v, span in zip(sides, spans, strict=True) if v is not None)
    whole = Binary(expression.operator, left, right, expression.span)
    return number_of(whole, constants, shape_of)


def without_value(
    expression: Expression, constants: Mapping[str, object], shape_of: ShapeOf
) -> bool:
    """Whether numbers are joined, or a function is applied to some, to no finite real number."""
    if isinstance(expression, Binary) and expression.operator != "@":
        given: tuple[Expression, ...] = (expression.left, expression.right)
    elif isinstance(expression, Call) and functions.contains(expression.function):
        given = expression.arguments
    else:
        return False
    values = [constant(each, constants, shape_of) for each in given]
    if not values or any(value is None for value in values):
        return False
    if isinstance(expression, Call):
        return functions.function(expression.function).constant(*values) is None
    return constant(expression, constants, shape_of) is None
