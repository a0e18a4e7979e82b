"""The absolute value."""

from __future__ import annotations

from specc.catalog import interval
from specc.catalog.entry import Function
from specc.catalog.rules import Supports, constant, together, whole_if
from specc.catalog.supports import Support, bounds


def support(supports: Supports) -> Support:
    """Never negative; whole where x is."""
    return whole_if(supports, interval.absolute(bounds(supports[0])))


ENTRY = Function(
    name="abs",
    summary="|x|",
    formula="abs(x) = |x|",
    target="torch.abs",
    arity=(1, 1),
    shape=together,
    support=support,
    constant=constant(abs),
    example="abs(x)",
)
