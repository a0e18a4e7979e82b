"""The mean of all entries of an event."""

from __future__ import annotations

from specc.catalog.entry import Function
from specc.catalog.rules import Supports, constant, number
from specc.catalog.supports import Support, bounds


def support(supports: Supports) -> Support:
    """Between the bounds of the entries, and not whole."""
    return bounds(supports[0])


ENTRY = Function(
    name="mean",
    summary="the mean of all entries",
    formula="mean(x) = 1/n sum_i x_i",
    target="specc.runtime.functions.mean.mean",
    arity=(1, 1),
    shape=number,
    support=support,
    constant=constant(lambda x: x),
    example="mean(x)",
    elementwise=False,
    linear=True,
    event_dims=True,
)
