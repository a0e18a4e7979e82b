"""The inner product of two vectors."""

from __future__ import annotations

from specc.catalog.arithmetic import arithmetic_support
from specc.catalog.entry import Function
from specc.catalog.rules import Supports, pair_of_vectors
from specc.catalog.supports import Support


def support(supports: Supports) -> Support:
    """A sum of products."""
    return arithmetic_support("@", *supports)


ENTRY = Function(
    name="dot",
    summary="sum_i x_i y_i",
    formula="dot(x, y) = sum_i x_i y_i",
    target="specc.runtime.functions.dot.dot",
    arity=(2, 2),
    shape=pair_of_vectors,
    support=support,
    constant=lambda x, y: None,
    example="dot(u[user], v[item])",
    elementwise=False,
)
