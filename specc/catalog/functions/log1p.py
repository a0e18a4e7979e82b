"""The logarithm of 1 + x, exact near 0."""

from __future__ import annotations

import math

from specc.catalog.entry import Function, Reference
from specc.catalog.rules import constant, increasing, together
from specc.catalog.supports import Interval

ABOVE = Interval(low=-1.0)


def limit(x: float) -> float:
    """The function, with its limit at -1."""
    return math.log1p(x) if x > -1.0 else -math.inf


ENTRY = Function(
    name="log1p",
    summary="log(1 + x)",
    formula="log1p(x) = log(1 + x)",
    references=(
        Reference("Higham, Accuracy and Stability of Numerical Algorithms, 2002", "problem 1.5"),
    ),
    target="torch.log1p",
    arity=(1, 1),
    shape=together,
    support=increasing(limit, ABOVE),
    constant=constant(math.log1p),
    example="log1p(x)",
    monotone=True,
    domain=Interval(low=-1.0, low_open=True),
)
