"""Numbers that the compiler must know: the sizes in `shape:`, plates, options, and tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from specc.catalog.entry import Shape
from specc.catalog.functions import index as functions
from specc.graph.passes.names import SIZE_OF
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Name,
    Negate,
    Number,
    Sequence,
)
from specc.language.limits import MAX_INTEGER
from specc.language.nested import Numbers

_BITS = 64
"""An exponent from which on a whole power has more bits than torch's whole numbers."""

ShapeOf = Callable[[str], Shape | None]


def number_of(
    expression: Expression, constants: Mapping[str, object], shape_of: ShapeOf
) -> int | float | None:
    """The value of an expression of numbers, constants and `dim(node)`; None if it is not one."""
    match expression:
        case Number(value=value):
            return value
        case Name(id=name):
            found = constants.get(name)
            return found if isinstance(found, (int, float)) else None
        case Negate(operand=operand):
            inner = number_of(operand, constants, shape_of)
            return None if inner is None else -inner
        case Call(function=function, arguments=(Name(id=name),)) if function == SIZE_OF:
            shape = shape_of(name)
            return None if shape is None else _product(shape)
        case Binary():
            return _binary(expression, constants, shape_of)
        case _:
            return None


def list_of(expression: Expression, constants: Mapping[str, object]) -> Numbers | None:
    """The numbers of a list, written out or a constant, as nested tuples; None if it is not one.

    Functions of numbers give lists, too: `eye(3)`.
    """
    if isinstance(expression, Name):
        value = constants.get(expression.id)
        return _floats(value) if isinstance(value, tuple) else None
    if isinstance(expression, Call):
        return _list_from(expression, constants)
    if not isinstance(expression, Sequence):
        return None
    items: list[int | float | Numbers] = []
    for item in expression.items:
        number = number_of(item, constants, lambda name: None)
        value = list_of(item, constants) if number is None else float(number)
        if value is None:
            return None
        items.append(value)
    return tuple(items)


def _list_from(call: Call, constants: Mapping[str, object]) -> Numbers | None:
    """What a function of plain numbers makes of them, if that is a list."""
    if not functions.contains(call.function):
        return None
    given = [number_of(argument, constants, lambda name: None) for argument in call.arguments]
    if any(number is None for number in given):
        return None
    value = functions.function(call.function).constant(*given)
    return _floats(value) if isinstance(value, tuple) else None


def _floats(values: Numbers) -> Numbers:
    return tuple(_floats(v) if isinstance(v, tuple) else float(v) for v in values)


def _product(shape: Shape) -> int:
    return math.prod(shape)


def _binary(
    expression: Binary, constants: Mapping[str, object], shape_of: ShapeOf
) -> int | float | None:
    left = number_of(expression.left, constants, shape_of)
    right = number_of(expression.right, constants, shape_of)
    if left is None or right is None:
        return None
    try:
        return _finite(_computed(expression.operator, left, right))
    except (OverflowError, ZeroDivisionError):
        return None


def _computed(operator: str, left: float, right: float) -> object:
    """What Python makes of it: of a root of a negative number a complex one."""
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            exact = isinstance(left, int) and isinstance(right, int) and left % right == 0
            return left // right if exact else left / right
        case "**":
            if isinstance(left, int) and isinstance(right, int) and abs(left) > 1:
                return left**right if abs(right) < _BITS else None
            return left**right
    return None


def _finite(value: object) -> int | float | None:
    """A real number that torch takes: finite, and of 64 bits where it is whole."""
    if isinstance(value, int):
        return value if abs(value) <= MAX_INTEGER else None
    return value if isinstance(value, float) and math.isfinite(value) else None
