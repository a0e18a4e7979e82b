"""The values of constant expressions: sizes, plates, options, tables, and functions of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from specc.catalog.entry import Shape
from specc.catalog.registry import FUNCTIONS
from specc.graph.graph import Graph
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Member,
    Name,
    Negate,
    Number,
    Sequence,
)
from specc.language.expressions.walk import fold
from specc.language.limits import MAX_INTEGER
from specc.language.nested import Numbers

SIZE_OF = "dim"
"""`dim(x)` is the number of entries of x, known at compile time."""

_BITS = 64
"""The exponent from which an integer power has more bits than the integers of torch."""

ShapeOf = Callable[[str], Shape | None]


def number_of(
    expression: Expression, constants: Mapping[str, object], shape_of: ShapeOf
) -> int | float | None:
    """The value of an expression of numbers, constants and `dim(node)`; None for any other."""

    def combine(part: Expression, inside: tuple[int | float | None, ...]) -> int | float | None:
        return _number_from(part, inside, constants, shape_of)

    return fold(expression, combine)


def _number_from(
    expression: Expression,
    inside: tuple[int | float | None, ...],
    constants: Mapping[str, object],
    shape_of: ShapeOf,
) -> int | float | None:
    """The value of an expression whose children have the values `inside`, as in `number_of`."""
    match expression:
        case Number(value=value):
            return value
        case Name(id=name):
            found = constants.get(name)
            return found if isinstance(found, (int, float)) else None
        case Negate():
            return None if inside[0] is None else -inside[0]
        case Call(function=function, arguments=(Name(id=name),)) if function == SIZE_OF:
            shape = shape_of(name)
            return None if shape is None else math.prod(shape)
        case Binary(operator=operator):
            return _binary(operator, *inside)
        case _:
            return None


def constant(
    expression: Expression, constants: Mapping[str, object], shape_of: ShapeOf
) -> int | float | None:
    """The value as in `number_of`, also with functions of the catalog; None for any other."""

    def combine(part: Expression, inside: tuple[int | float | None, ...]) -> int | float | None:
        if not isinstance(part, Call) or part.function not in FUNCTIONS:
            return _number_from(part, inside, constants, shape_of)
        if any(value is None for value in inside):
            return None
        value = FUNCTIONS[part.function].constant(*inside)
        return value if isinstance(value, (int, float)) else None

    return fold(expression, combine)


def without_value(
    expression: Expression, constants: Mapping[str, object], shape_of: ShapeOf
) -> bool:
    """Whether an operation on constant numbers has no finite real value."""
    if isinstance(expression, Binary) and expression.operator != "@":
        given: tuple[Expression, ...] = (expression.left, expression.right)
    elif isinstance(expression, Call) and expression.function in FUNCTIONS:
        given = expression.arguments
    else:
        return False
    values = [constant(each, constants, shape_of) for each in given]
    if not values or any(value is None for value in values):
        return False
    if isinstance(expression, Call):
        return FUNCTIONS[expression.function].constant(*values) is None
    return constant(expression, constants, shape_of) is None


def is_plain(graph: Graph, program: str, expression: Expression) -> bool:
    """Whether an expression is a number that is known at compile time."""

    def combine(part: Expression, inside: tuple[bool, ...]) -> bool:
        match part:
            case Sequence() | Member():
                return False
            case Call() if part.function == SIZE_OF:
                return True
            case Call() if _is_tensor(part):
                return False
            case Name(id=name):
                is_number = isinstance(graph.constants.get(name), (int, float))
                return is_number and graph.lookup(program, name) is None
            case _:
                return all(inside)

    return fold(expression, combine)


def _is_tensor(call: Call) -> bool:
    """Whether a call returns a tensor for any arguments."""
    return call.function not in FUNCTIONS or bool(FUNCTIONS[call.function].sizes)


def list_of(expression: Expression, constants: Mapping[str, object]) -> Numbers | None:
    """The numbers of a list or a constant as nested tuples; None if the expression is not a list.

    Functions of numbers can return lists, such as `eye(3)`.
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
    """The value of a function of plain numbers, if it is a list."""
    if call.function not in FUNCTIONS:
        return None
    given = [number_of(argument, constants, lambda name: None) for argument in call.arguments]
    if any(number is None for number in given):
        return None
    value = FUNCTIONS[call.function].constant(*given)
    return _floats(value) if isinstance(value, tuple) else None


def _floats(values: Numbers) -> Numbers:
    return tuple(_floats(v) if isinstance(v, tuple) else float(v) for v in values)


def _binary(
    operator: str, left: int | float | None, right: int | float | None
) -> int | float | None:
    if left is None or right is None:
        return None
    try:
        return _finite(_computed(operator, left, right))
    except (OverflowError, ZeroDivisionError):
        return None


def _computed(operator: str, left: float, right: float) -> object:
    """The value of the operation in Python; a root of a negative number is complex."""
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
    """The value if it is real, finite and, for an integer, of 64 bits; else None."""
    if isinstance(value, int):
        return value if abs(value) <= MAX_INTEGER else None
    return value if isinstance(value, float) and math.isfinite(value) else None
