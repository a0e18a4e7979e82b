"""A smooth way from all numbers onto the positive ones."""

from __future__ import annotations

import math

from specc.catalog.entry import Function, Reference
from specc.catalog.rules import constant, increasing, together


def softplus(x: float) -> float:
    """log(1 + e^x), without overflow."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


ENTRY = Function(
    name="softplus",
    summary="log(1 + e^x)",
    formula="softplus(x) = log(1 + e^x)",
    references=(
        Reference(
            "Dugas et al., Incorporating second-order functional knowledge for better option "
            "pricing, 2001"
        ),
    ),
    target="specc.runtime.functions.softplus.softplus",
    arity=(1, 1),
    shape=together,
    support=increasing(softplus),
    constant=constant(softplus),
    example="softplus(x)",
    monotone=True,
)
