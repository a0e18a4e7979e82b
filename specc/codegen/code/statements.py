"""Statements, functions and classes of generated Python.

`about` is the node of the spec of a statement, empty if there is none. `free` returns the names
that a function reads without defining them; verification compares them with its parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from specc.catalog.entry import Lowered
from specc.codegen.code.expressions import Code, needs


class Assign(Struct, frozen=True):
    """`a, b = value`, with the shapes of the targets in a comment if the line has room for it."""

    targets: tuple[str, ...]
    value: Code
    about: str = ""
    shape: str = ""


class Evaluate(Struct, frozen=True):
    """An expression as a statement."""

    value: Code
    about: str = ""


class Return(Struct, frozen=True):
    """`return value`."""

    value: Code
    about: str = ""


class Comment(Struct, frozen=True):
    """A comment of one line; an empty comment is an empty line."""

    text: str = ""
    about: str = ""


class For(Struct, frozen=True):
    """`for targets in iterable:`."""

    targets: tuple[str, ...]
    iterable: Code
    body: tuple[Statement, ...]
    about: str = ""


class If(Struct, frozen=True):
    """`if test:`."""

    test: Code
    body: tuple[Statement, ...]
    about: str = ""


class Layers(Struct, frozen=True):
    """`self.attribute = nn.Sequential(...)`: a network with its initialization."""

    attribute: str
    lowered: Lowered
    about: str = ""


class Table(Struct, frozen=True):
    """`self.register_buffer("attribute", torch.tensor(values), persistent=False)`.

    `values` is a nested tuple of numbers, which may be printed on several lines.
    """

    attribute: str
    values: tuple[object, ...]
    about: str = ""


class Declare(Struct, frozen=True):
    """`target: annotation`, for type checkers."""

    target: str
    annotation: str
    about: str = ""


class Parameter(Struct, frozen=True):
    """`name: annotation = default`."""

    name: str
    annotation: str
    default: str = ""


class Function(Struct, frozen=True):
    """A function or a method.

    `parameters` are positional, after `self` in a method; `keywords` are keyword-only. With
    `without_gradient` it has the decorator `@torch.no_grad()`, with `differentiates`
    `@torch.enable_grad()`.
    """

    name: str
    parameters: tuple[Parameter, ...]
    keywords: tuple[Parameter, ...]
    returns: str
    docstring: str
    body: tuple[Statement, ...]
    about: str = ""
    is_method: bool = True
    is_property: bool = False
    without_gradient: bool = False
    differentiates: bool = False


class Define(Struct, frozen=True):
    """A function inside another one."""

    function: Function
    about: str = ""


Statement = Assign | Evaluate | Return | Comment | For | If | Layers | Table | Declare | Define


class Class(Struct, frozen=True):
    """A torch module with its layers and its methods.

    `parameters` are those of `__init__`, and `start` its statements.
    """

    name: str
    docstring: str
    start: tuple[Statement, ...]
    methods: tuple[Function, ...]
    parameters: tuple[Parameter, ...] = ()


def expressions(statements: Sequence[Statement]) -> Iterator[Code]:
    """Yield the expressions of statements, but not those inside them."""
    for statement in statements:
        match statement:
            case Assign(value=value) | Evaluate(value=value) | Return(value=value):
                yield value
            case For(iterable=head, body=body) | If(test=head, body=body):
                yield head
                yield from expressions(body)
            case Define(function=inner):
                yield from expressions(inner.body)
            case Comment() | Layers() | Table() | Declare():
                pass


def free(function: Function) -> frozenset[str]:
    """Return the free names of a function: its parameters, and names defined outside."""
    return reads(function.body) - ({"self"} if function.is_method else set())


def reads(statements: Sequence[Statement]) -> frozenset[str]:
    """Return the names that statements read before assigning them."""
    found: set[str] = set()
    _free(statements, set(), found)
    return frozenset(found)


def _free(statements: Sequence[Statement], made: set[str], found: set[str]) -> None:
    def read(code: Code) -> None:
        found.update(needs(code).variables - made)

    for statement in statements:
        match statement:
            case Assign(targets=targets, value=value):
                read(value)
                made.update(targets)
            case Evaluate(value=value) | Return(value=value):
                read(value)
            case For(targets=targets, iterable=head, body=body):
                read(head)
                made.update(targets)
                _free(body, made, found)
            case If(test=head, body=body):
                read(head)
                _free(body, made, found)
            case Define(function=inner):
                own = {p.name for p in (*inner.parameters, *inner.keywords)}
                _free(inner.body, made | own, found)
                made.add(inner.name)
            case Comment() | Layers() | Table() | Declare():
                pass


def spaced(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """Return the statements without an empty line at the start, or two of them in a row."""
    found: list[Statement] = []
    for each in statements:
        is_empty = isinstance(each, Comment) and not each.text
        if not is_empty or (found and not (isinstance(found[-1], Comment) and not found[-1].text)):
            found.append(each)
    return tuple(found)
