"""The exponential function."""

from __future__ import annotations

import math

from specc.catalog.entry import Function, Reference
from specc.catalog.interval import exp_of
from specc.catalog.rules import constant, increasing, together

ENTRY = Function(
    name="exp",
    summary="e^x",
    formula="exp(x) = e^x",
    references=(Reference("NIST Digital Library of Mathematical Functions", "equation 4.2.19"),),
    target="torch.exp",
    arity=(1, 1),
    shape=together,
    support=increasing(exp_of),
    constant=constant(math.exp),
    example="exp(x)",
    monotone=True,
)
