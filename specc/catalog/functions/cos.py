"""The cosine of an angle in radians."""

from __future__ import annotations

import math

from specc.catalog.entry import Function, Reference
from specc.catalog.rules import always, constant, together
from specc.catalog.supports import Interval

ENTRY = Function(
    name="cos",
    summary="the cosine",
    formula="cos(x) = sum_k (-1)^k x^(2 k) / (2 k)!",
    references=(Reference("NIST Digital Library of Mathematical Functions", "equation 4.14.2"),),
    target="torch.cos",
    arity=(1, 1),
    shape=together,
    support=always(Interval(-1.0, 1.0)),
    constant=constant(math.cos),
    example="cos(x)",
)
