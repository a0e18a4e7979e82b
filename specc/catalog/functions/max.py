"""The largest entry of an event."""

from __future__ import annotations

from specc.catalog.entry import Function
from specc.catalog.rules import constant, number, same

ENTRY = Function(
    name="max",
    summary="the largest entry",
    formula="max(x) = max_i x_i",
    target="specc.runtime.functions.max.max",
    arity=(1, 1),
    shape=number,
    support=same,
    constant=constant(lambda x: x),
    example="max(x)",
    elementwise=False,
    event_dims=True,
)
