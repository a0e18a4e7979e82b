"""The exponential less 1, exact near 0."""

from __future__ import annotations

import math

from specc.catalog.entry import Function, Reference
from specc.catalog.rules import constant, increasing, together


def limit(x: float) -> float:
    """The function, with its limit at infinity."""
    return math.expm1(x) if x < 709.0 else math.inf


ENTRY = Function(
    name="expm1",
    summary="e^x - 1",
    formula="expm1(x) = e^x - 1",
    references=(
        Reference("Higham, Accuracy and Stability of Numerical Algorithms, 2002", "section 1.14.1"),
    ),
    target="torch.expm1",
    arity=(1, 1),
    shape=together,
    support=increasing(limit),
    constant=constant(math.expm1),
    example="expm1(x)",
    monotone=True,
)
