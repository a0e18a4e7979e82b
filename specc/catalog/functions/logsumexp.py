"""The log of a sum of exponentials over all entries, without overflow."""

from __future__ import annotations

import math

from specc.catalog.entry import Function, Reference
from specc.catalog.rules import Supports, constant, number
from specc.catalog.supports import Interval, Support, bounds


def support(supports: Supports) -> Support:
    """At least the largest entry."""
    entry = bounds(supports[0])
    return Interval(entry.low, math.inf, low_open=entry.low_open)


ENTRY = Function(
    name="logsumexp",
    summary="log sum exp x_i over all entries",
    formula="logsumexp(x) = log sum_i exp(x_i)",
    references=(
        Reference(
            "Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax "
            "functions, 2021"
        ),
    ),
    target="specc.runtime.functions.logsumexp.logsumexp",
    arity=(1, 1),
    shape=number,
    support=support,
    constant=constant(lambda x: x),
    example="logsumexp(logits)",
    elementwise=False,
    event_dims=True,
)
