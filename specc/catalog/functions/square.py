"""The square."""

from __future__ import annotations

from specc.catalog import interval
from specc.catalog.entry import Function
from specc.catalog.rules import Supports, constant, together, whole_if
from specc.catalog.supports import Interval, Support, bounds


def support(supports: Supports) -> Support:
    """Never negative; whole where x is."""
    return whole_if(supports, interval.power(bounds(supports[0]), Interval(2.0, 2.0)))


ENTRY = Function(
    name="square",
    summary="x^2",
    formula="square(x) = x^2",
    target="torch.square",
    arity=(1, 1),
    shape=together,
    support=support,
    constant=constant(lambda x: x * x),
    example="square(x)",
)
