"""The syntax tree of expressions; every node has its span in the source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from specc.diagnostics.source import Span

BinaryOperator = Literal["+", "-", "*", "/", "**", "@"]


@dataclass(frozen=True, slots=True)
class Number:
    """A numeric literal; an `int` stays an `int`."""

    value: int | float
    span: Span


@dataclass(frozen=True, slots=True)
class Name:
    """A node, a constant, a plate or (when called) a link or a function: `z`."""

    id: str
    span: Span


@dataclass(frozen=True, slots=True)
class Member:
    """A node of a named program, `model.x`, or a data field, `data.x`."""

    program: str
    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Negate:
    """`-operand`."""

    operand: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`."""

    operator: BinaryOperator
    left: Expression
    right: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """`function(arguments)`; `function_span` is the span of the name.

    `at` is the program whose values are inserted into a density: `log_prob(guide.z, at=model)`.
    """

    function: str
    arguments: tuple[Expression, ...]
    function_span: Span
    span: Span
    at: Name | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """`base[index, ...]`: `u[user]`, `z[t-1]`, `x[0]`, `table[i, j]`; one index an axis."""

    base: Expression
    indices: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Sequence:
    """`[a, b]`, the value of a parameter: a vector of numbers, or of vectors."""

    items: tuple[Expression, ...]
    span: Span


Expression = Number | Name | Member | Negate | Binary | Call | Index | Sequence
