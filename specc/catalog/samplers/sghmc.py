"""Stochastic-gradient Hamiltonian Monte Carlo."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.sampler import MinibatchOptions, Sampler


class Options(MinibatchOptions):
    """`{sghmc: {step_size: 0.001, friction: 0.1}}`."""

    friction: float = Field(
        0.1, description="The part a of the momentum that an update takes away.", gt=0, le=1
    )


ENTRY = Sampler(
    name="sghmc",
    title="stochastic-gradient Hamiltonian Monte Carlo",
    summary="Momenta along the gradient of a minibatch, with friction and the noise that balances "
    "it. The noise of the gradient itself is taken as 0, which small steps justify.",
    formula="v' = (1 - a) v + h g + sqrt(2 a h) xi, xi ~ Normal(0, I); q' = q + v'",
    references=(Reference("Chen, Fox and Guestrin 2014", "equation 15"),),
    example="sampler: {sghmc: {step_size: 0.001, friction: 0.1}}",
    Options=Options,
    minibatches=True,
)
