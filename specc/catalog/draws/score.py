"""Gradients of the log-probability of the sample."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.objective import Draw

ENTRY = Draw(
    name="score",
    summary="The gradient of log q(z) times the costs downstream of z, less a baseline.",
    formula="grad E_q[f(z)] = E_q[grad f(z) + (f(z) - b) grad log q(z)], b the baseline",
    references=(
        Reference("Williams 1992", "theorem 1"),
        Reference("Schulman et al. 2015", "theorem 1"),
        Reference("Mnih and Rezende 2016", "equations 5 to 9 (leave one out)"),
    ),
    example="draw: {score: {baseline: leave_one_out}}",
    option="baseline",
    options=("none", "mean", "leave_one_out"),
    meaning="What is taken off the costs: nothing, the mean of the other rows, or the mean "
    "of the other particles.",
    samples=True,
)
