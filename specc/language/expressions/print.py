"""Printing of expressions, with the fewest brackets and the spacing of a Python formatter."""

from __future__ import annotations

from typing import assert_never

from specc.language.expressions.parse import INVERTED, POWER, STRENGTH, SUM, TRANSPOSED, UNARY
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
    Sequence,
)

OPERAND = POWER + 1


def print_expression(tree: Expression) -> str:
    """The text of a tree; parsing it returns an equal tree."""
    return _print(tree, SUM)


def _print(tree: Expression, minimum: int) -> str:
    """The text, in brackets if its precedence is below `minimum`."""
    text = _bare(tree)
    return f"({text})" if _strength(tree) < minimum else text


def _strength(tree: Expression) -> int:
    if isinstance(tree, Binary):
        return STRENGTH[tree.operator]
    negative = isinstance(tree, Number) and tree.value < 0
    return UNARY if negative or isinstance(tree, Negate) else OPERAND


def _bare(tree: Expression) -> str:
    match tree:
        case Number(value=value):
            return repr(value).replace("e+", "e")
        case Name(id=name):
            return name
        case Member(program=program, name=name):
            return f"{program}.{name}"
        case Negate(operand=operand):
            return _negate(operand)
        case Binary():
            return _binary(tree)
        case Call(function=function, arguments=arguments):
            called = f"{function}.{TRANSPOSED}" if tree.transposed else function
            called = f"{function}.{INVERTED}" if tree.inverted else called
            values = "" if tree.at is None else f", at={tree.at.id}"
            return f"{called}({_list(arguments)}{values})"
        case Index(base=base, indices=indices):
            return f"{_print(base, OPERAND)}[{_list(indices)}]"
        case Sequence(items=items):
            return f"[{_list(items)}]"
        case Over(operand=operand, plate=plate, index=index):
            if index is None:
                return f"{tree.function}({_print(operand, SUM)}, {plate})"
            return f"{_print(operand, OPERAND)}[{_print(index, SUM)}]"
        case _:
            assert_never(tree)


def _negate(operand: Expression) -> str:
    """The text of a negation; `-(x**2)` has brackets for readability."""
    is_power = isinstance(operand, Binary) and operand.operator == "**"
    return f"-({_bare(operand)})" if is_power else f"-{_print(operand, UNARY)}"


def _list(items: tuple[Expression, ...]) -> str:
    return ", ".join(_print(item, SUM) for item in items)


def _binary(tree: Binary) -> str:
    strength = STRENGTH[tree.operator]
    if strength == POWER:
        left, right = _print(tree.left, OPERAND), _print(tree.right, UNARY)
        tight = not left.startswith("(") and _is_simple(tree.left) and _is_simple(tree.right)
        return f"{left}**{right}" if tight else f"{left} ** {right}"
    left, right = _print(tree.left, strength), _print(tree.right, strength + 1)
    return f"{left} {tree.operator} {right}"


def _is_simple(tree: Expression) -> bool:
    """Whether a formatter writes no spaces around `**`: for a name or a number."""
    if isinstance(tree, Negate):
        return isinstance(tree.operand, Number)
    return isinstance(tree, (Number, Name, Member))
