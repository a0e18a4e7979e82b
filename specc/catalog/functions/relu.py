"""The positive part."""

from __future__ import annotations

from specc.catalog import interval
from specc.catalog.entry import Function, Reference
from specc.catalog.rules import Supports, constant, together, whole_if
from specc.catalog.supports import Interval, Support, bounds


def support(supports: Supports) -> Support:
    """Never negative; whole where x is."""
    return whole_if(supports, interval.maximum(bounds(supports[0]), Interval(0.0, 0.0)))


ENTRY = Function(
    name="relu",
    summary="max(x, 0)",
    formula="relu(x) = max(x, 0)",
    references=(
        Reference(
            "Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, 2010"
        ),
    ),
    target="torch.relu",
    arity=(1, 1),
    shape=together,
    support=support,
    constant=constant(lambda x: max(x, 0.0)),
    example="relu(x)",
)
