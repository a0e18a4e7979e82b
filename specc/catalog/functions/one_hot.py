"""Class numbers as vectors with a single 1."""

from __future__ import annotations

from specc.catalog.entry import Function, Shape
from specc.catalog.limits import MAX_WRITTEN
from specc.catalog.rules import Shapes, always
from specc.catalog.supports import ONE_HOT


def shape(shapes: Shapes) -> Shape:
    """A new last axis, of one entry a class."""
    classes, (count,) = shapes
    return (*classes, count)


def constant(value: float, count: float) -> tuple[float, ...] | None:
    """The vector of one class, or None where there is no such class or too many."""
    inside = float(value).is_integer() and 0 <= value < count <= MAX_WRITTEN
    return tuple(float(i == value) for i in range(int(count))) if inside else None


ENTRY = Function(
    name="one_hot",
    summary="the vector of n entries with a 1 at position y",
    formula="one_hot(y, n)_i = 1 where i = y, else 0, i from 0 to n - 1",
    target="specc.runtime.functions.one_hot.one_hot",
    arity=(2, 2),
    shape=shape,
    support=always(ONE_HOT),
    constant=constant,
    example="one_hot(y, 10)",
    elementwise=False,
    sizes=(1,),
)
