"""Random trees of expressions, and what Python's own parser makes of their text."""

from __future__ import annotations

import ast

from hypothesis import strategies as st

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.source import Source, Span
from specc.language.expressions.parse import parse
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

NOWHERE = Span(Source("test", ""), 0, 0)
OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
OPERATORS[ast.MatMult] = "@"


def read(text: str) -> Expression | Diagnostic:
    source = Source("test", text)
    return parse(text, lambda start, end: Span(source, start, end))


def parsed(text: str) -> Expression:
    tree = read(text)
    assert not isinstance(tree, Diagnostic), tree
    return tree


def refused(text: str) -> Diagnostic:
    found = read(text)
    assert isinstance(found, Diagnostic), found
    return found


def bare(tree: Expression) -> object:
    """The tree without its places, to compare."""
    match tree:
        case Number(value=value):
            return (type(value).__name__, value)
        case Name(id=name):
            return name
        case Member(program=program, name=name):
            return ("member", program, name)
        case Negate(operand=operand):
            return ("-", bare(operand))
        case Binary(operator=operator, left=left, right=right):
            return (operator, bare(left), bare(right))
        case Call(function=function, arguments=arguments):
            called = ("transpose", function) if tree.transposed else function
            return ("call", called, *map(bare, arguments))
        case Index(base=base, indices=indices):
            return ("index", bare(base), *map(bare, indices))
        case Sequence(items=items):
            return ("list", *map(bare, items))


def python(node: ast.AST) -> object:
    """The same form, from Python's tree."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return (type(value).__name__, value)
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=program), attr=name):
            return ("member", program, name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return ("-", python(operand))
        case ast.BinOp(left=left, op=op, right=right):
            return (OPERATORS[type(op)], python(left), python(right))
        case ast.Call(func=ast.Attribute(ast.Name(id=function), "T"), args=args, keywords=[]):
            return ("call", ("transpose", function), *map(python, args))
        case ast.Call(func=ast.Name(id=function), args=args, keywords=[]):
            return ("call", function, *map(python, args))
        case ast.Subscript(value=base, slice=ast.Tuple(elts=indices)):
            return ("index", python(base), *map(python, indices))
        case ast.Subscript(value=base, slice=index):
            return ("index", python(base), python(index))
        case ast.List(elts=items):
            return ("list", *map(python, items))
    raise AssertionError(ast.dump(node))


def by_python(text: str) -> object:
    return python(ast.parse(text.strip(), mode="eval").body)


NAMES = st.sampled_from(["x", "y", "z_dim", "_u", "W2", "decoder", "model"])
NUMBERS = st.one_of(
    st.integers(0, 2**63 - 1),
    st.floats(0, allow_nan=False, allow_infinity=False),
).map(lambda value: Number(value, NOWHERE))
LEAVES = st.one_of(
    NUMBERS,
    NAMES.map(lambda name: Name(name, NOWHERE)),
    st.builds(lambda p, n: Member(p, n, NOWHERE), NAMES, NAMES),
)


def _wider(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    indexed = inner.filter(lambda tree: not isinstance(tree, Number))
    operators = st.sampled_from(sorted(OPERATORS.values()))
    return st.one_of(
        inner.map(lambda e: Negate(e, NOWHERE)),
        st.builds(lambda o, a, b: Binary(o, a, b, NOWHERE), operators, inner, inner),
        st.builds(lambda o, a, b: Binary(o, a, b, NOWHERE), operators, inner, inner),
        st.builds(
            lambda f, a: Call(f, tuple(a), NOWHERE, NOWHERE), NAMES, st.lists(inner, max_size=3)
        ),
        st.builds(
            lambda b, i: Index(b, tuple(i), NOWHERE),
            indexed,
            st.lists(inner, min_size=1, max_size=3),
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda e: Sequence(tuple(e), NOWHERE)),
    )


TREES = st.recursive(LEAVES, _wider, max_leaves=25)
