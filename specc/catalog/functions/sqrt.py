"""The square root."""

from __future__ import annotations

import math

from specc.catalog.entry import Function
from specc.catalog.rules import constant, increasing, together
from specc.catalog.supports import NONNEGATIVE

ENTRY = Function(
    name="sqrt",
    summary="the square root",
    formula="sqrt(x) = x^(1/2)",
    target="torch.sqrt",
    arity=(1, 1),
    shape=together,
    support=increasing(math.sqrt, NONNEGATIVE),
    constant=constant(math.sqrt),
    example="sqrt(x)",
    monotone=True,
    domain=NONNEGATIVE,
)
