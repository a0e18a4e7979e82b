"""The natural logarithm."""

from __future__ import annotations

import math

from specc.catalog.entry import Function, Reference
from specc.catalog.rules import constant, increasing, together
from specc.catalog.supports import NONNEGATIVE, POSITIVE


def limit(x: float) -> float:
    """The logarithm, with its limit at 0."""
    return math.log(x) if x > 0.0 else -math.inf


ENTRY = Function(
    name="log",
    summary="the natural logarithm",
    formula="log(x) = the y of e^y = x",
    references=(Reference("NIST Digital Library of Mathematical Functions", "equation 4.2.2"),),
    target="torch.log",
    arity=(1, 1),
    shape=together,
    support=increasing(limit, NONNEGATIVE),
    constant=constant(math.log),
    example="log(x)",
    monotone=True,
    domain=POSITIVE,
)
