"""The imports that a tree needs, by its references, annotations and layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specc.codegen.code.expressions import needs
from specc.codegen.code.layers import imported_by
from specc.codegen.code.statements import (
    Class,
    Define,
    For,
    Function,
    If,
    Layers,
    Statement,
    Table,
    expressions,
)

NOISE = "specc.runtime.noise"


def of_class(written: Class) -> set[str]:
    """Return the imports that a class needs."""
    found = set(of_statements(written.start))
    return found.union(*map(of_function, written.methods))


def of_function(function: Function) -> set[str]:
    """Return the imports that a function needs."""
    annotations = (p.annotation for p in (*function.parameters, *function.keywords))
    noise = {NOISE} if any("Noise" in words for words in annotations) else set()
    noise |= {"torch"} if function.without_gradient or function.differentiates else set()
    return noise | set(of_statements(function.body))


def of_statements(statements: Sequence[Statement]) -> Iterator[str]:
    """Yield the imports that statements need."""
    for code in expressions(statements):
        yield from needs(code).imports
    for statement in statements:
        match statement:
            case Table():
                yield "torch"
            case Layers(lowered=lowered):
                yield from imported_by(lowered)
            case Define(function=inner):
                yield from of_function(inner)
            case For(body=body) | If(body=body):
                yield from of_statements(body)
