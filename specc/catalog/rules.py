"""Shape, support and constant rules that several functions share."""

from __future__ import annotations

import math
from collections.abc import Callable

from specc.catalog import interval
from specc.catalog.arithmetic import broadcast_shape, entries, numbers, show
from specc.catalog.entry import Shape, ShapeMismatch
from specc.catalog.supports import REAL, Interval, Support, bounds

Shapes = tuple[Shape, ...]
Supports = tuple[Support, ...]
SupportRule = Callable[[Supports], Support]


def together(shapes: Shapes) -> Shape:
    """Entry by entry: the shape to which all arguments broadcast."""
    return broadcast_shape(*shapes)


def number(shapes: Shapes) -> Shape:
    """One number for each event."""
    del shapes
    return ()


def vector(shapes: Shapes) -> Shape:
    """The shape of the one argument, along whose last axis the function goes."""
    (shape,) = shapes
    if not shape:
        raise ShapeMismatch("it goes along a vector, and the argument is a number")
    return shape


def pair_of_vectors(shapes: Shapes) -> Shape:
    """One number from two vectors of one size."""
    left, right = shapes
    if len(left) != 1 or left != right:
        problem = f"it takes two vectors of one size, not {show(left)} and {show(right)}"
        raise ShapeMismatch(problem)
    return ()


def same(supports: Supports) -> Support:
    """Entries of the result are entries of the argument."""
    return entries(supports[0])


def always(support: Support) -> SupportRule:
    """A result that lies in one set, wherever the arguments lie."""
    return lambda supports: support


def increasing(function: Callable[[float], float], domain: Support = REAL) -> SupportRule:
    """The image of an increasing function with its limits, where the argument is in `domain`."""
    inside = bounds(domain)

    def rule(supports: Supports) -> Support:
        given = bounds(supports[0])
        if given.low < inside.low or given.high > inside.high:
            given = inside
        return interval.image(function, given)

    return rule


def constant(function: Callable[..., float]) -> Callable[..., float | None]:
    """The value of a function of plain numbers, or None where it is not a finite number."""

    def value(*numbers: float) -> float | None:
        try:
            found = function(*numbers)
        except (ValueError, OverflowError, ZeroDivisionError):
            return None
        return found if math.isfinite(found) else None

    return value


def whole_if(supports: Supports, inside: Interval) -> Support:
    """An interval, of integers where all arguments are whole."""
    return numbers(inside, all(support.discrete for support in supports))
