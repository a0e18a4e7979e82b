"""The positive part."""

from __future__ import annotations

from specc.catalog import interval
from specc.catalog.entry import Function
from specc.catalog.rules import Supports, constant, together, whole_if
from specc.catalog.supports import Interval, Support, bounds


def support(supports: Supports) -> Support:
    """Never negative; whole where x is."""
    return whole_if(supports, interval.maximum(bounds(supports[0]), Interval(0.0, 0.0)))


ENTRY = Function(
    name="relu",
    summary="max(x, 0)",
    target="torch.relu",
    arity=(1, 1),
    shape=together,
    support=support,
    constant=constant(lambda x: max(x, 0.0)),
    example="relu(x)",
)
