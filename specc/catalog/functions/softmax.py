"""Numbers as a point of the simplex, along the last axis."""

from __future__ import annotations

from specc.catalog.entry import Function, Reference
from specc.catalog.rules import always, vector
from specc.catalog.supports import SIMPLEX

ENTRY = Function(
    name="softmax",
    summary="exp(x_i) / sum_j exp(x_j)",
    formula="softmax(x)_i = exp(x_i) / sum_j exp(x_j)",
    references=(
        Reference(
            "Bridle, Probabilistic interpretation of feedforward classification network outputs, "
            "1990"
        ),
    ),
    target="specc.runtime.functions.softmax.softmax",
    arity=(1, 1),
    shape=vector,
    support=always(SIMPLEX),
    constant=lambda x: None,
    example="softmax(scores)",
    elementwise=False,
)
