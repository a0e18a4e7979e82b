"""An event of any shape as a vector, its last axis running fastest."""

from __future__ import annotations

import math

from specc.catalog.entry import Function, Shape
from specc.catalog.rules import Shapes, same


def shape(shapes: Shapes) -> Shape:
    """One axis with all entries."""
    return (math.prod(shapes[0]),)


ENTRY = Function(
    name="flatten",
    summary="all entries in one vector",
    formula="flatten(x) = (x_1, ..., x_n), the last axis running fastest",
    target="specc.runtime.functions.flatten.flatten",
    arity=(1, 1),
    shape=shape,
    support=same,
    constant=lambda x: (x,),
    example="flatten(image)",
    elementwise=False,
    linear=True,
    event_dims=True,
)
