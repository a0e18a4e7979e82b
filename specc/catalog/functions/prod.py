"""The product of all entries of an event."""

from __future__ import annotations

import math

from specc.catalog.entry import Function
from specc.catalog.rules import Supports, constant, number, whole_if
from specc.catalog.supports import Interval, Support, bounds


def support(supports: Supports) -> Support:
    """Positive, in [0, 1], in [-1, 1], at least 1 or at least 0, where all factors are."""
    return whole_if(supports, _product(bounds(supports[0])))


def _product(factor: Interval) -> Interval:
    low = factor.low
    if low < 0.0:
        return Interval(-1.0, 1.0) if low >= -1.0 and factor.high <= 1.0 else Interval()
    bottom = low if low >= 1.0 else 0.0
    # With a bound left out no product reaches it; a small closed bound is only approached.
    bottom_open = factor.low_open if low in (0.0, bottom) else True
    if factor.high > 1.0:
        return Interval(bottom, math.inf, low_open=bottom_open)
    return Interval(bottom, factor.high, bottom_open, factor.high_open)


ENTRY = Function(
    name="prod",
    summary="the product of all entries",
    formula="prod(x) = prod_i x_i",
    target="specc.runtime.functions.prod.prod",
    arity=(1, 1),
    shape=number,
    support=support,
    constant=constant(lambda x: x),
    example="prod(x)",
    elementwise=False,
    event_dims=True,
)
