"""The Euclidean length of an event."""

from __future__ import annotations

from specc.catalog import interval
from specc.catalog.arithmetic import total
from specc.catalog.entry import Function
from specc.catalog.rules import Supports, constant, number
from specc.catalog.supports import Support, bounds


def support(supports: Supports) -> Support:
    """At least the smallest absolute value."""
    return total(interval.absolute(bounds(supports[0])))


ENTRY = Function(
    name="norm",
    summary="the square root of the sum of squares",
    formula="norm(x) = sqrt(sum_i x_i^2)",
    target="specc.runtime.functions.norm.norm",
    arity=(1, 1),
    shape=number,
    support=support,
    constant=constant(abs),
    example="norm(x - y)",
    elementwise=False,
    event_dims=True,
)
