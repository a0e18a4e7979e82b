"""The error function, from all numbers onto (-1, 1)."""

from __future__ import annotations

import math

from specc.catalog.entry import Function, Reference
from specc.catalog.rules import constant, increasing, together

ENTRY = Function(
    name="erf",
    summary="the error function",
    formula="erf(x) = 2 / sqrt(pi) integral_0^x exp(-t^2) dt",
    references=(Reference("NIST Digital Library of Mathematical Functions", "equation 7.2.1"),),
    target="torch.erf",
    arity=(1, 1),
    shape=together,
    support=increasing(math.erf),
    constant=constant(math.erf),
    example="erf(x)",
    monotone=True,
)
