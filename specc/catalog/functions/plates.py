"""Elements of plates by their place: the first one, the last one, and the number of each."""

from __future__ import annotations

from specc.catalog.entry import Function, Reduction, Shape, ShapeMismatch
from specc.catalog.limits import MAX_CONSTANT_ENTRIES
from specc.catalog.rules import Shapes, always, same
from specc.catalog.supports import NATURAL, Support


def _whole(support: Support) -> Support:
    """The support of a value that is one of those on the plate."""
    return support


def _entry_shape(shapes: Shapes) -> Shape:
    """The shape of an entry along the first axis; raises `ShapeMismatch` for a number."""
    (shape,) = shapes
    if not shape:
        raise ShapeMismatch("it takes an entry of a vector, and the argument is a number")
    return shape[1:]


def _numbers(count: float) -> tuple[float, ...] | None:
    """The numbers below a count; None if they are too many for a list."""
    return tuple(map(float, range(int(count)))) if 0 < count <= MAX_CONSTANT_ENTRIES else None


ELEMENT = Reduction("specc.runtime.functions.plates.element_of_plate", _whole)
"""The value on one element of a plate, `h[3]`, which an index chooses."""

ENTRIES: tuple[Function, ...] = (
    Function(
        name="first",
        summary="The first entry of an event along its first axis, or the value on the first "
        "element of a plate.",
        formula="first(x) = x_1, first(h, t) = h_1",
        target="specc.runtime.functions.plates.first_entry",
        arity=(1, 1),
        shape=_entry_shape,
        support=same,
        constant=lambda x: None,
        example="first(scores)",
        elementwise=False,
        linear=True,
        event_dims=True,
        over_plate=Reduction("specc.runtime.functions.plates.first_over_plate", _whole, position=0),
    ),
    Function(
        name="index",
        summary="The numbers 0 to n - 1 as a vector, or the number of each element of a plate, "
        "from 0.",
        formula="index(n) = (0, ..., n - 1), index(t)_i = i",
        target="torch.arange",
        arity=(1, 1),
        shape=lambda shapes: shapes[0],
        support=always(NATURAL),
        constant=_numbers,
        example="index(64)",
        elementwise=False,
        sizes=(0,),
        counts=True,
    ),
    Function(
        name="last",
        summary="The last entry of an event along its first axis, or the value on the last "
        "element of a plate.",
        formula="last(x) = x_n, last(h, t) = h_n, n the number of elements of the row",
        target="specc.runtime.functions.plates.last_entry",
        arity=(1, 1),
        shape=_entry_shape,
        support=same,
        constant=lambda x: None,
        example="last(scores)",
        elementwise=False,
        linear=True,
        event_dims=True,
        over_plate=Reduction("specc.runtime.functions.plates.last_over_plate", _whole, position=-1),
    ),
)
