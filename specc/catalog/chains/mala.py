"""Langevin dynamics in discrete time, with a Metropolis step."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.chain import Chain, StepSize
from specc.catalog.entry import Reference
from specc.catalog.metric import NoOptions


class Options(NoOptions):
    """`{mala: {step_size: 0.1}}`."""

    step_size: StepSize = Field(description="The step size s.")


ENTRY = Chain(
    name="mala",
    title="Metropolis-adjusted Langevin algorithm",
    summary="A step of Langevin dynamics that is accepted or rejected, row by row, so that the "
    "distribution of the chain is that of the model for every step size.",
    formula="y = x + s / 2 grad log p(x) + sqrt(s) xi; x' = y with probability "
    "min(1, p(y) q(x | y) / (p(x) q(y | x))), else x, with q(y | x) the density of y",
    references=(
        Reference("Roberts and Tweedie 1996", "section 1.4.2"),
        Reference("Besag 1994", "page 592"),
    ),
    example="x: {observed: normal, draw: {mala: {step_size: 0.1}}}",
    Options=Options,
)
