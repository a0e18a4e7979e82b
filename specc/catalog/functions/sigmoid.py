"""The logistic function, from all numbers onto (0, 1)."""

from __future__ import annotations

import math

from specc.catalog.entry import Function, Reference
from specc.catalog.rules import constant, increasing, together


def sigmoid(x: float) -> float:
    """1 / (1 + e^-x), without overflow."""
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0.0 else math.exp(x) / (1.0 + math.exp(x))


ENTRY = Function(
    name="sigmoid",
    summary="1 / (1 + e^-x)",
    formula="sigmoid(x) = 1 / (1 + e^-x)",
    references=(Reference("Berkson, Application of the logistic function to bio-assay, 1944"),),
    target="torch.sigmoid",
    arity=(1, 1),
    shape=together,
    support=increasing(sigmoid),
    constant=constant(sigmoid),
    example="sigmoid(x)",
    monotone=True,
)
