"""Statements, functions and classes of generated Python.

Every statement names the node of the spec that it is about, where there is one. A function lists
its parameters; `free` says which names its body reads without making them, which a plan's
verification holds against that list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from specc.catalog.entry import Lowered
from specc.codegen.code.expressions import Code, Name, walk


@dataclass(frozen=True, slots=True)
class Assign:
    """`a, b = value`, and the shapes of the targets in a comment, where they fit in the line."""

    targets: tuple[str, ...]
    value: Code
    about: str = ""
    shape: str = ""


@dataclass(frozen=True, slots=True)
class Evaluate:
    """An expression for what it does."""

    value: Code
    about: str = ""


@dataclass(frozen=True, slots=True)
class Return:
    """`return value`."""

    value: Code
    about: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of one line; an empty one is an empty line."""

    text: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class For:
    """`for targets in iterable:`."""

    targets: tuple[str, ...]
    iterable: Code
    body: tuple[Statement, ...]
    about: str = ""


@dataclass(frozen=True, slots=True)
class If:
    """`if test:`."""

    test: Code
    body: tuple[Statement, ...]
    about: str = ""


@dataclass(frozen=True, slots=True)
class Layers:
    """`self.attribute = nn.Sequential(...)`: a network with how it starts."""

    attribute: str
    lowered: Lowered
    about: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """`self.register_buffer("attribute", torch.tensor(values), persistent=False)`.

    `values` is a nested tuple of numbers that may need lines of its own.
    """

    attribute: str
    values: tuple[object, ...]
    about: str = ""


@dataclass(frozen=True, slots=True)
class Declare:
    """`target: annotation`, for a reader and a type checker."""

    target: str
    annotation: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """`name: annotation = default`."""

    name: str
    annotation: str
    default: str = ""


@dataclass(frozen=True, slots=True)
class Function:
    """A function or a method.

    `parameters` are positional, after `self` in a method; those in `keywords` are behind `*`.
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


@dataclass(frozen=True, slots=True)
class Define:
    """A function inside another."""

    function: Function
    about: str = ""


Statement = Assign | Evaluate | Return | Comment | For | If | Layers | Table | Declare | Define


@dataclass(frozen=True, slots=True)
class Class:
    """A module of torch with its layers and its methods.

    `parameters` are what it is made with, and `start` the statements of `__init__`.
    """

    name: str
    docstring: str
    start: tuple[Statement, ...]
    methods: tuple[Function, ...]
    parameters: tuple[Parameter, ...] = ()


def expressions(statements: Sequence[Statement]) -> Iterator[Code]:
    """Every expression of some statements, with those inside them."""
    for statement in statements:
        match statement:
            case Assign(value=value) | Evaluate(value=value) | Return(value=value):
                yield from walk(value)
            case For(iterable=head, body=body) | If(test=head, body=body):
                yield from walk(head)
                yield from expressions(body)
            case Define(function=inner):
                yield from expressions(inner.body)
            case Comment() | Layers() | Table() | Declare():
                pass


def free(function: Function) -> frozenset[str]:
    """The names that a body reads before it makes them: parameters, and what lies outside."""
    return reads(function.body) - ({"self"} if function.is_method else set())


def reads(statements: Sequence[Statement]) -> frozenset[str]:
    """The names that statements read before they make them."""
    found: set[str] = set()
    _free(statements, set(), found)
    return frozenset(found)


def _free(statements: Sequence[Statement], made: set[str], found: set[str]) -> None:
    def read(code: Code) -> None:
        found.update(n.id for n in walk(code) if isinstance(n, Name) and n.id not in made)

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
