"""The sum of all entries of an event."""

from __future__ import annotations

from specc.catalog.arithmetic import total
from specc.catalog.entry import Function
from specc.catalog.rules import Supports, constant, number
from specc.catalog.supports import POSITIVE, Integers, OneHot, Simplex, Support


def support(supports: Supports) -> Support:
    """At least 1 for vectors that sum to one, of which an event may hold several."""
    (given,) = supports
    if isinstance(given, OneHot):
        return Integers(1)
    return POSITIVE if isinstance(given, Simplex) else total(given)


ENTRY = Function(
    name="sum",
    summary="the sum of all entries",
    formula="sum(x) = sum_i x_i",
    target="specc.runtime.functions.sum.sum",
    arity=(1, 1),
    shape=number,
    support=support,
    constant=constant(lambda x: x),
    example="sum(u * v)",
    elementwise=False,
    linear=True,
    event_dims=True,
)
