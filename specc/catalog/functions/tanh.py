"""The hyperbolic tangent, from all numbers onto (-1, 1)."""

from __future__ import annotations

import math

from specc.catalog.entry import Function, Reference
from specc.catalog.rules import constant, increasing, together

ENTRY = Function(
    name="tanh",
    summary="the hyperbolic tangent",
    formula="tanh(x) = (e^x - e^-x) / (e^x + e^-x)",
    references=(Reference("NIST Digital Library of Mathematical Functions", "equation 4.28.4"),),
    target="torch.tanh",
    arity=(1, 1),
    shape=together,
    support=increasing(math.tanh),
    constant=constant(math.tanh),
    example="tanh(x)",
    monotone=True,
)
