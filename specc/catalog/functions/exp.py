"""The exponential function."""

from __future__ import annotations

import math

from specc.catalog.entry import Function
from specc.catalog.interval import exp_of
from specc.catalog.rules import constant, increasing, together

ENTRY = Function(
    name="exp",
    summary="e^x",
    target="torch.exp",
    arity=(1, 1),
    shape=together,
    support=increasing(exp_of),
    constant=constant(math.exp),
    example="exp(x)",
    monotone=True,
)
