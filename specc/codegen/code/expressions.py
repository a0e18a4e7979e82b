"""Expressions of generated Python.

Lowering makes them and decides shapes and axes; `specc.codegen.code.text` prints them and decides
only parentheses. A reference contains the module to import, so that the imports of a file follow
from its tree.
"""

from __future__ import annotations

import math
from typing import assert_never

from msgspec import Struct


class Needs(Struct, frozen=True):
    """The variables that an expression reads, and its imports."""

    variables: frozenset[str]
    imports: frozenset[str]


class Tree(Struct, frozen=True, dict=True):
    """The base of all expressions; `needs` keeps what it finds beside the fields."""


class Name(Tree, frozen=True):
    """A variable or a parameter: `x`, `self`, `noise`."""

    id: str


SELF = Name("self")


class Literal(Tree, frozen=True):
    """A number, a string, a truth value, None or `...`."""

    value: object


class Reference(Tree, frozen=True):
    """An imported name as it is written in the file: `normal.log_prob`, `torch.where`.

    `imported` is the import that it needs: `specc.runtime.distributions.normal`, `torch`.
    """

    text: str
    imported: str


class Attribute(Tree, frozen=True):
    """`base.name`."""

    base: Code
    name: str


class Call(Tree, frozen=True):
    """`function(arguments, key=value)`, with the keywords in order."""

    function: Code
    arguments: tuple[Code, ...] = ()
    keywords: tuple[tuple[str, Code], ...] = ()


class Subscript(Tree, frozen=True):
    """`base[items]`."""

    base: Code
    items: tuple[Code | Slice, ...]


class Slice(Struct, frozen=True):
    """`low:high:step` in a subscript; `:` if all are None."""

    low: int | None = None
    high: int | None = None
    step: int | None = None


class Unary(Tree, frozen=True):
    """`-operand` or `~operand`."""

    operator: str
    operand: Code


class Binary(Tree, frozen=True):
    """`left operator right`."""

    operator: str
    left: Code
    right: Code


class Signed(Struct, frozen=True):
    """A term of a sum: `- 0.5 * kl_weight * kl_z`, where `factors` precede the term."""

    negative: bool
    term: Code
    factors: tuple[Code, ...] = ()


class Sum(Tree, frozen=True):
    """A sum of signed terms; if it is too long for a line, each term has a line of its own."""

    terms: tuple[Signed, ...]


class Tuple(Tree, frozen=True):
    """`(a, b)`; without parentheses in a statement that needs none."""

    items: tuple[Code, ...]


class List(Tree, frozen=True):
    """`[a, b]`."""

    items: tuple[Code, ...] = ()


class Dict(Tree, frozen=True):
    """`{"a": a}`, with strings as keys."""

    items: tuple[tuple[str, Code], ...]


class Star(Tree, frozen=True):
    """`*items` among arguments or in a tuple."""

    items: Code


class Lambda(Tree, frozen=True):
    """`lambda v: body`, a function of one variable."""

    variable: str
    body: Code


class Mapped(Tree, frozen=True):
    """A value mapped onto a support by the template of the catalog, such as `{}.exp()`."""

    template: str
    operand: Code
    imported: str = ""


Code = (
    Name
    | Literal
    | Reference
    | Attribute
    | Call
    | Subscript
    | Unary
    | Binary
    | Sum
    | Tuple
    | List
    | Dict
    | Star
    | Lambda
    | Mapped
)


def children(code: Code) -> tuple[Code, ...]:
    """Return the expressions directly inside an expression."""
    match code:
        case Call(function=function, arguments=arguments, keywords=keywords):
            return (function, *arguments, *(value for _, value in keywords))
        case Attribute(base=inner) | Unary(operand=inner) | Mapped(operand=inner):
            return (inner,)
        case Star(items=inner) | Lambda(body=inner):
            return (inner,)
        case Subscript(base=base, items=items):
            return (base, *(item for item in items if not isinstance(item, Slice)))
        case Binary(left=left, right=right):
            return left, right
        case Sum(terms=terms):
            return tuple(inner for each in terms for inner in (*each.factors, each.term))
        case Tuple(items=several) | List(items=several):
            return several
        case Dict(items=pairs):
            return tuple(value for _, value in pairs)
        case Name() | Literal() | Reference():
            return ()
        case _:
            assert_never(code)


def needs(code: Code) -> Needs:
    """Return what an expression needs; several stages ask for it, so it is found only once."""
    kept = code.__dict__
    if "needs" not in kept:
        variables, imports, stack = set[str](), set[str](), [code]
        while stack:
            match stack.pop():
                case Name(id=name):
                    variables.add(name)
                case Literal():
                    pass
                case Reference(imported=imported):
                    imports.add(imported)
                case Mapped(operand=operand, imported=imported):
                    imports.add(imported)
                    stack.append(operand)
                case Lambda(variable=variable, body=body):
                    variables |= needs(body).variables - {variable}
                    imports |= needs(body).imports
                case inner:
                    stack += children(inner)
        kept["needs"] = Needs(frozenset(variables), frozenset(imports - {""}))
    found: Needs = kept["needs"]
    return found


def method(base: Code, name: str, /, *arguments: Code | object, **keywords: Code | object) -> Call:
    """Return `base.name(arguments)`."""
    return call(Attribute(base, name), *arguments, **keywords)


def over_last(value: Code, name: str, count: int) -> Code:
    """Return `value.sum(-1)`, or another reduction of tensors, over the last `count` axes."""
    if count == 0:
        return value
    return method(value, name, -1 if count == 1 else tuple(range(-count, 0)))


def call(function: Code, /, *arguments: Code | object, **keywords: Code | object) -> Call:
    """Return a call; arguments that are not code become literals."""
    pairs = tuple((key, literal(value)) for key, value in keywords.items())
    return Call(function, tuple(map(literal, arguments)), pairs)


def literal(value: Code | object) -> Code:
    """Return `value` if it is code, else a literal; tuples are converted item by item."""
    if isinstance(value, Code):
        return value
    if isinstance(value, tuple):
        return Tuple(tuple(map(literal, value)))
    return Literal(value)


def number(value: float) -> Code:
    """Return a number, also an infinite one: `-math.inf`."""
    if not math.isinf(value):
        return Literal(value)
    size = Reference("math.inf", "math")
    return size if value > 0 else Unary("-", size)


def function(path: str) -> Reference:
    """Return a function of the run time that is called without its module: `concat`."""
    return Reference(path.rpartition(".")[2], path)


def member(module: str, name: str) -> Reference:
    """Return a function that is called with its module: `normal.log_prob`."""
    return Reference(f"{module.rpartition('.')[2]}.{name}", module)


def torch(name: str) -> Reference:
    """Return `torch.NAME`."""
    return Reference(f"torch.{name}", "torch")


def target(path: str) -> Reference:
    """Return the function of a path in a catalog entry: of torch, or of the run time."""
    return Reference(path, "torch") if path.startswith("torch.") else function(path)


def as_function(variable: str, body: Code) -> Code:
    """Return a function of one variable: `f` itself for the body `f(v)`, else a lambda."""
    if isinstance(body, Call) and body.arguments == (Name(variable),) and not body.keywords:
        return body.function
    return Lambda(variable, body)


def summed(terms: tuple[Signed, ...]) -> Code:
    """Return the terms as a sum, or a single positive term without factors as itself."""
    alone = terms[0] if len(terms) == 1 else None
    if alone is not None and not alone.negative and not alone.factors:
        return alone.term
    return Sum(terms)
