"""The syntax tree of expressions; every node has its span in the source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from specc.diagnostics.source import Span

if TYPE_CHECKING:
    from specc.catalog.entry import Reduction

BinaryOperator = Literal["+", "-", "*", "/", "**", "@"]


class Parts(Struct, frozen=True):
    """The plain names, members and calls in an expression, in preorder."""

    names: tuple[Name, ...]
    members: tuple[Member, ...]
    calls: tuple[Call, ...]


class Tree(Struct, frozen=True, dict=True):
    """The base of all expressions; `parts` keeps what it finds beside the fields."""


class Number(Tree, frozen=True):
    """A numeric literal; an `int` stays an `int`."""

    value: int | float
    span: Span


class Name(Tree, frozen=True):
    """A node, a constant, a plate or (when called) a link or a function: `z`."""

    id: str
    span: Span


class Member(Tree, frozen=True):
    """A node of a named program, `model.x`, or a data field, `data.x`."""

    program: str
    name: str
    span: Span


class Negate(Tree, frozen=True):
    """`-operand`."""

    operand: Expression
    span: Span


class Binary(Tree, frozen=True):
    """`left operator right`."""

    operator: BinaryOperator
    left: Expression
    right: Expression
    span: Span


class Call(Tree, frozen=True):
    """`function(arguments)`; `function_span` is the span of the name.

    `at` is the program whose values are inserted into a density: `log_prob(guide.z, at=model)`.
    `transposed` is true for the transpose of an affine link: `f.T(y)`, and `inverted` for the
    inverse of a bijection: `f.inverse(x)`.
    """

    function: str
    arguments: tuple[Expression, ...]
    function_span: Span
    span: Span
    at: Name | None = None
    transposed: bool = False
    inverted: bool = False


class Index(Tree, frozen=True):
    """`base[index, ...]`: `u[user]`, `z[t-1]`, `x[0]`, `table[i, j]`; one index an axis."""

    base: Expression
    indices: tuple[Expression, ...]
    span: Span


class Sequence(Tree, frozen=True):
    """`[a, b]`, the value of a parameter: a vector of numbers, or of vectors."""

    items: tuple[Expression, ...]
    span: Span


class Over(Tree, frozen=True):
    """One value from those on all elements of a plate, `mean(h, t)`, or that on one: `h[3]`.

    `form` is its entry in the catalog. `lengths` is the node with the number of elements of each
    row, if the rows have different numbers, and `index` is the chosen element.
    """

    function: str
    form: Reduction
    operand: Expression
    plate: str
    span: Span
    lengths: Name | None = None
    index: Expression | None = None


Expression = Number | Name | Member | Negate | Binary | Call | Index | Sequence | Over
