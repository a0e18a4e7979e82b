"""A value through which no gradient flows."""

from __future__ import annotations

from specc.catalog.entry import Function
from specc.catalog.rules import Supports, constant, together
from specc.catalog.supports import Support


def unchanged(supports: Supports) -> Support:
    """That of x, vectors and matrices included."""
    return supports[0]


ENTRY = Function(
    name="stop",
    summary="x, as a constant to the gradient",
    formula="stop(x) = x, d stop(x)/dx = 0",
    target="specc.runtime.functions.stop.stop",
    arity=(1, 1),
    shape=together,
    support=unchanged,
    constant=constant(lambda x: x),
    example="stop(x)",
)
