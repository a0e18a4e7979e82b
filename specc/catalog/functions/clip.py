"""A value kept between two others."""

from __future__ import annotations

from specc.catalog import interval
from specc.catalog.entry import Function
from specc.catalog.rules import Supports, constant, together, whole_if
from specc.catalog.supports import Support, bounds


def support(supports: Supports) -> Support:
    """min(max(x, low), high)."""
    x, low, high = map(bounds, supports)
    return whole_if(supports, interval.minimum(interval.maximum(x, low), high))


ENTRY = Function(
    name="clip",
    summary="x, but at least low and at most high",
    formula="clip(x, low, high) = min(max(x, low), high)",
    target="specc.runtime.functions.clip.clip",
    arity=(3, 3),
    shape=together,
    support=support,
    constant=constant(lambda x, low, high: min(max(x, low), high)),
    example="clip(x, 0.01, 0.99)",
)
