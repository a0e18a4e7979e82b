"""The inverse of the logistic function, from (0, 1) onto all numbers."""

from __future__ import annotations

import math

from specc.catalog.entry import Function, Reference
from specc.catalog.rules import constant, increasing, together
from specc.catalog.supports import OPEN_UNIT_INTERVAL, UNIT_INTERVAL


def limit(x: float) -> float:
    """The function, with its limits at 0 and 1."""
    if x in (0.0, 1.0):
        return math.inf if x == 1.0 else -math.inf
    return math.log(x) - math.log1p(-x)


ENTRY = Function(
    name="logit",
    summary="log(x / (1 - x))",
    formula="logit(x) = log(x / (1 - x))",
    references=(Reference("Berkson, Application of the logistic function to bio-assay, 1944"),),
    target="torch.logit",
    arity=(1, 1),
    shape=together,
    support=increasing(limit, UNIT_INTERVAL),
    constant=constant(limit),
    example="logit(x)",
    monotone=True,
    domain=OPEN_UNIT_INTERVAL,
)
