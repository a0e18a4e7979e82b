"""Hamiltonian Monte Carlo with leapfrog steps of one size."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.chain import Chain, StepSize
from specc.catalog.entry import Reference
from specc.catalog.metric import NoOptions


class Options(NoOptions):
    """`{hmc: {step_size: 0.1, leapfrog: 10}}`."""

    step_size: StepSize = Field(description="The size s of a leapfrog step.")
    leapfrog: int = Field(
        10, description="The number of leapfrog steps of a transition.", ge=1, le=10_000
    )


ENTRY = Chain(
    name="hmc",
    title="Hamiltonian Monte Carlo",
    summary="A path of leapfrog steps with a random momentum, whose end is accepted or rejected, "
    "row by row. With one leapfrog step of size s it is `mala` with the step size s ** 2.",
    formula="m ~ Normal(0, 1), H(x, m) = -log p(x) + |m|^2 / 2; (y, n) = leapfrog steps from "
    "(x, m); x' = y with probability min(1, exp(H(x, m) - H(y, n))), else x",
    references=(
        Reference("Duane et al. 1987"),
        Reference("Neal 2011, MCMC using Hamiltonian dynamics", "section 3.2"),
    ),
    example="x: {observed: normal, draw: {hmc: {step_size: 0.1, leapfrog: 10}}}",
    Options=Options,
)
