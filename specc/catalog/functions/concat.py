"""Several vectors in a row, as one; a number counts as a vector of one entry."""

from __future__ import annotations

from specc.catalog.arithmetic import entries, numbers, show
from specc.catalog.entry import Function, Shape, ShapeMismatch
from specc.catalog.interval import hull
from specc.catalog.rules import Shapes, Supports
from specc.catalog.supports import Support, bounds


def shape(shapes: Shapes) -> Shape:
    """The sizes add up."""
    for each in shapes:
        if len(each) > 1:
            raise ShapeMismatch(f"it joins vectors, not {show(each)}; flatten it first")
    return (sum(each[0] if each else 1 for each in shapes),)


def support(supports: Supports) -> Support:
    """Every entry is an entry of one of the vectors."""
    whole = all(entries(each).discrete for each in supports)
    return numbers(hull(*map(bounds, supports)), whole)


ENTRY = Function(
    name="concat",
    summary="several vectors as one",
    formula="concat(x, y, ...) = (x_1, ..., x_m, y_1, ..., y_n, ...)",
    target="specc.runtime.functions.concat.concat",
    arity=(1, None),
    shape=shape,
    support=support,
    constant=lambda *parts: parts,
    example="concat(x, y)",
    elementwise=False,
    linear=True,
    least_rank=1,
)
