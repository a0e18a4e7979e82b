"""Prints expressions of generated Python, with as few parentheses as possible."""

from __future__ import annotations

import re

from specc.codegen.code.expressions import (
    Attribute,
    Binary,
    Call,
    Code,
    Dict,
    Lambda,
    List,
    Literal,
    Mapped,
    Name,
    Reference,
    Signed,
    Slice,
    Star,
    Subscript,
    Sum,
    Tuple,
    Unary,
)

ATOM, POWER, UNARY, PRODUCT, SUM, AND, OR, COMPARE, LOOSE = 9, 8, 7, 6, 5, 4, 3, 2, 1
BINDING = {
    "**": POWER,
    "*": PRODUCT,
    "/": PRODUCT,
    "@": PRODUCT,
    "+": SUM,
    "-": SUM,
    "&": AND,
    "|": OR,
    "==": COMPARE,
    "is": COMPARE,
}
"""The precedence of each operator in Python's grammar."""


def text(code: Code) -> str:
    """Return the text of an expression."""
    match code:
        case Name(id=name):
            return name
        case Literal(value=value):
            return _literal(value)
        case Reference(text=shown):
            return shown
        case Attribute(base=base, name=name):
            return f"{within(base, ATOM)}.{name}"
        case Call(function=function):
            return f"{within(function, ATOM)}({', '.join(arguments(code))})"
        case Subscript(base=base, items=items):
            return f"{within(base, ATOM)}[{', '.join(map(_item, items))}]"
        case Unary(operator=operator, operand=operand):
            return f"{operator}{within(operand, UNARY)}"
        case Binary():
            return _binary(code)
        case Sum(terms=terms):
            return joined(signed(terms))
        case Tuple(items=items):
            listed = ", ".join(map(text, items))
            return f"({listed},)" if len(items) == 1 else f"({listed})"
        case List(items=items):
            return f"[{', '.join(map(text, items))}]"
        case Dict():
            return f"{{{', '.join(pairs(code))}}}"
        case Star(items=inner):
            return f"*{text(inner)}"
        case Lambda(variable=variable, body=body):
            return f"lambda {variable}: {text(body)}"
        case Mapped(template=template, operand=operand):
            return template.format(text(operand))


def arguments(code: Call) -> list[str]:
    """Return the text of each argument of a call."""
    return [*map(text, code.arguments), *(f"{key}={text(value)}" for key, value in code.keywords)]


def pairs(code: Dict) -> list[str]:
    """Return the text of each entry of a dictionary."""
    return [f'"{key}": {text(value)}' for key, value in code.items]


def signed(terms: tuple[Signed, ...]) -> list[str]:
    """Return the text of each term of a sum with its sign: `+ a`, `- 4.0 * b`."""
    return [f"{'-' if term.negative else '+'} {_product(term)}" for term in terms]


def joined(terms: list[str]) -> str:
    """Return signed terms as the text of a sum: `a - 4.0 * b`."""
    return " ".join([leading(terms[0]), *terms[1:]])


def leading(term: str) -> str:
    """Return a signed term as the first one of a sum: `a`, `-4.0 * b`."""
    return term.removeprefix("+ ") if term.startswith("+ ") else f"-{term.removeprefix('- ')}"


def _product(term: Signed) -> str:
    bound = PRODUCT if term.factors else SUM + 1
    return " * ".join([*(within(f, PRODUCT) for f in term.factors), within(term.term, bound)])


def within(code: Code, binding: int) -> str:
    """Return the text, in parentheses if its precedence is lower than `binding`."""
    shown = text(code)
    return shown if _binding(code) >= binding else f"({shown})"


def _binding(code: Code) -> int:
    match code:
        case Binary(operator=operator):
            return BINDING[operator]
        case Unary():
            return UNARY
        case Literal(value=int() | float() as number) if number < 0:
            return UNARY
        case Sum():
            return SUM
        case Star() | Lambda() | Mapped():
            return LOOSE
    return ATOM


def _binary(code: Binary) -> str:
    binding = BINDING[code.operator]
    if code.operator != "**":
        return f"{within(code.left, binding)} {code.operator} {within(code.right, binding + 1)}"
    base, exponent = within(code.left, POWER + 1), within(code.right, UNARY)
    plain = all(re.fullmatch(r"-?[\w.]+", operand) for operand in (base, exponent))
    return f"{base}**{exponent}" if plain else f"{base} ** {exponent}"


def _item(item: Code | Slice) -> str:
    if isinstance(item, Slice):
        low, high = ("" if end is None else str(end) for end in (item.low, item.high))
        return f"{low}:{high}" if item.step is None else f"{low}:{high}:{item.step}"
    return text(item)


def _literal(value: object) -> str:
    if value is Ellipsis:
        return "..."
    return f'"{value}"' if isinstance(value, str) else repr(value)
