"""The hyperbolic tangent, from all numbers onto (-1, 1)."""

from __future__ import annotations

import math

from specc.catalog.entry import Function
from specc.catalog.rules import constant, increasing, together

ENTRY = Function(
    name="tanh",
    summary="the hyperbolic tangent",
    target="torch.tanh",
    arity=(1, 1),
    shape=together,
    support=increasing(math.tanh),
    constant=constant(math.tanh),
    example="tanh(x)",
    monotone=True,
)
