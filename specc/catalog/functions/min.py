"""The smallest entry of an event."""

from __future__ import annotations

from specc.catalog.entry import Function
from specc.catalog.rules import constant, number, same

ENTRY = Function(
    name="min",
    summary="the smallest entry",
    formula="min(x) = min_i x_i",
    target="specc.runtime.functions.min.min",
    arity=(1, 1),
    shape=number,
    support=same,
    constant=constant(lambda x: x),
    example="min(x)",
    elementwise=False,
    event_dims=True,
)
