"""Printing of documents: all fields with their defaults, and expressions as trees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from pydantic import BaseModel

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
from specc.language.expressions.walk import fold
from specc.language.schema.spec import Spec


def print_spec(spec: Spec) -> str:
    """The document as indented fields; empty fields are omitted."""
    return "\n".join(_fields(spec.document, 0)) + "\n"


def _fields(value: BaseModel | Mapping[str, object], depth: int) -> Iterator[str]:
    for name, inner in value.items() if isinstance(value, Mapping) else value:
        if isinstance(inner, (BaseModel, Mapping)):
            if list(_fields(inner, depth + 1)):
                yield f"{'  ' * depth}{name}:"
                yield from _fields(inner, depth + 1)
        elif inner not in (None, (), ""):
            yield f"{'  ' * depth}{name}: {_shown(inner)}"


def _shown(value: object) -> str:
    if isinstance(value, Expression):
        return tree(value)
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(_shown(item) for item in value)}]"
    if isinstance(value, BaseModel):
        return "{" + ", ".join(line.strip() for line in _fields(value, 0)) + "}"
    return value if isinstance(value, str) else repr(value)


def tree(expression: Expression) -> str:
    """The tree in prefix notation: `2 * z + 1` is `(+ (* 2 z) 1)`."""
    return fold(expression, _prefix)


def _prefix(expression: Expression, inside: tuple[str, ...]) -> str:
    match expression:
        case Number(value=value):
            return repr(value)
        case Name(id=name):
            return name
        case Member(program=program, name=name):
            return f"{program}.{name}"
        case Negate():
            head = "-"
        case Binary(operator=operator):
            head = operator
        case Call(function=function):
            head = function
        case Index():
            head = "index"
        case Sequence():
            head = "list"
        case Over(function=function):
            head = f"{function} over {expression.plate}"
        case _:
            assert_never(expression)
    return f"({' '.join([head, *inside])})"
