"""Langevin dynamics in discrete time, without a Metropolis step."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.chain import Chain, StepSize
from specc.catalog.entry import Reference
from specc.catalog.metric import NoOptions, Positive


class Options(NoOptions):
    """`{langevin: {step_size: 0.01}}`."""

    step_size: StepSize = Field(description="The step size s.")
    noise_scale: Positive | None = Field(
        None,
        description="The standard deviation of the noise of a transition; by default sqrt(s). A "
        "smaller one samples from a colder distribution, p(x) ** (s / noise_scale ** 2).",
        le=1e6,
    )


ENTRY = Chain(
    name="langevin",
    title="unadjusted Langevin algorithm",
    summary="A step along the gradient of the log-density, and noise. Its distribution is that of "
    "the model for small steps: that of a normal variable with variance v has the variance "
    "v / (1 - s / (4 v)).",
    formula="x' = x + s / 2 grad log p(x) + sqrt(s) xi, xi ~ Normal(0, 1)",
    references=(
        Reference("Roberts and Tweedie 1996", "section 1.4.1"),
        Reference("Du and Mordatch 2019", "section 3.1: energies of networks"),
        Reference(
            "Grathwohl et al. 2020, Your classifier is secretly an energy based model",
            "section 2: noise apart from the step size",
        ),
    ),
    example="x: {observed: normal, draw: {langevin: {step_size: 0.01}}}",
    Options=Options,
    exact=False,
)
