"""Shape, support and constant rules that several functions share."""

from __future__ import annotations

import math
from collections.abc import Callable

from msgspec.structs import replace

from specc.catalog import interval
from specc.catalog.arithmetic import broadcast_shape, entries, numbers, show
from specc.catalog.entry import Shape, ShapeMismatch
from specc.catalog.supports import REAL, Interval, Ordered, Support, bounds

Shapes = tuple[Shape, ...]
Supports = tuple[Support, ...]
SupportRule = Callable[[Supports], Support]


def elementwise_shape(shapes: Shapes) -> Shape:
    """The shape of an elementwise function: that to which all arguments broadcast."""
    return broadcast_shape(*shapes)


def number(shapes: Shapes) -> Shape:
    """The shape of a number, for a function of all entries of an event."""
    del shapes
    return ()


def vector(shapes: Shapes) -> Shape:
    """The shape of the argument, for a function along its last axis; it must not be a number."""
    (shape,) = shapes
    if not shape:
        raise ShapeMismatch("it goes along a vector, and the argument is a number")
    return shape


def pair_of_vectors(shapes: Shapes) -> Shape:
    """The shape of a number; raises `ShapeMismatch` unless both are vectors of one size."""
    left, right = shapes
    if len(left) != 1 or left != right:
        problem = f"it takes two vectors of one size, not {show(left)} and {show(right)}"
        raise ShapeMismatch(problem)
    return ()


def same(supports: Supports) -> Support:
    """The support of a result whose entries are entries of the argument."""
    return entries(supports[0])


def always(support: Support) -> SupportRule:
    """A support that does not depend on the arguments."""
    return lambda supports: support


def increasing(function: Callable[[float], float], domain: Support = REAL) -> SupportRule:
    """The support of an increasing function with limits: the image of the argument in `domain`.

    The order of the entries of a vector stays.
    """
    inside = bounds(domain)

    def rule(supports: Supports) -> Support:
        given = bounds(supports[0])
        if given.low < inside.low or given.high > inside.high:
            given = inside
        image = interval.image(function, given)
        if isinstance(supports[0], Ordered):
            return replace(supports[0], inside=image)
        return image

    return rule


def constant(function: Callable[..., float]) -> Callable[..., float | None]:
    """The function of plain numbers with the result None if the value is not finite."""

    def value(*numbers: float) -> float | None:
        try:
            found = function(*numbers)
        except (ValueError, OverflowError, ZeroDivisionError):
            return None
        return found if math.isfinite(found) else None

    return value


def power_product(factor: Interval) -> Interval:
    """The interval of a product of one or more factors, each in `factor`."""
    low = factor.low
    if low < 0.0:
        return Interval(-1.0, 1.0) if low >= -1.0 and factor.high <= 1.0 else Interval()
    bottom = low if low >= 1.0 else 0.0
    # An open bound of the factors is open for products; products only approach a bound below 1.
    bottom_open = factor.low_open if low in (0.0, bottom) else True
    if factor.high > 1.0:
        return Interval(bottom, math.inf, low_open=bottom_open)
    return Interval(bottom, factor.high, bottom_open, factor.high_open)


def integers_if_discrete(supports: Supports, inside: Interval) -> Support:
    """The interval; the integers in it if all arguments are integers."""
    return numbers(inside, all(support.discrete for support in supports))
