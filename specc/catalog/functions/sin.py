"""The sine of an angle in radians."""

from __future__ import annotations

import math

from specc.catalog.entry import Function, Reference
from specc.catalog.rules import always, constant, together
from specc.catalog.supports import Interval

ENTRY = Function(
    name="sin",
    summary="the sine",
    formula="sin(x) = sum_k (-1)^k x^(2 k + 1) / (2 k + 1)!",
    references=(Reference("NIST Digital Library of Mathematical Functions", "equation 4.14.1"),),
    target="torch.sin",
    arity=(1, 1),
    shape=together,
    support=always(Interval(-1.0, 1.0)),
    constant=constant(math.sin),
    example="sin(x)",
)
