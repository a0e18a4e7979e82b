"""The logarithm of softmax, exact where that is near 0."""

from __future__ import annotations

from specc.catalog.entry import Function, Reference
from specc.catalog.rules import always, vector
from specc.catalog.supports import Interval

ENTRY = Function(
    name="log_softmax",
    summary="x_i - log sum_j exp(x_j)",
    formula="log_softmax(x)_i = x_i - log sum_j exp(x_j)",
    references=(
        Reference(
            "Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax "
            "functions, 2021"
        ),
    ),
    target="specc.runtime.functions.log_softmax.log_softmax",
    arity=(1, 1),
    shape=vector,
    support=always(Interval(high=0.0)),
    constant=lambda x: None,
    example="log_softmax(scores)",
    elementwise=False,
)
