"""From a tree back to text, with no bracket more than needed, and set as a formatter would."""

from __future__ import annotations

from specc.language.expressions.parse import POWER, STRENGTH, SUM, UNARY
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Index,
    Member,
    Name,
    Negate,
    Number,
    Sequence,
)

OPERAND = POWER + 1


def print_expression(tree: Expression) -> str:
    """The text of a tree, spaced as Python is: parsing it gives the same tree."""
    return _print(tree, SUM)


def _print(tree: Expression, minimum: int) -> str:
    """The text, in brackets where it binds more weakly than `minimum`."""
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
            return f"{function}({_list(arguments)})"
        case Index(base=base, indices=indices):
            return f"{_print(base, OPERAND)}[{_list(indices)}]"
        case Sequence(items=items):
            return f"[{_list(items)}]"


def _negate(operand: Expression) -> str:
    """`-(x**2)` needs no bracket, but without one every reader has to think."""
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
    """Whether a formatter sets the tree close to `**`: a name or a number."""
    if isinstance(tree, Negate):
        return isinstance(tree.operand, Number)
    return isinstance(tree, (Number, Name, Member))
