"""The stochastic-gradient Nosé-Hoover thermostat."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.sampler import MinibatchOptions, Sampler


class Options(MinibatchOptions):
    """`{sgnht: {step_size: 0.01}}`."""

    diffusion: float = Field(1.0, description="The number A of the added noise.", gt=0, le=1e6)


ENTRY = Sampler(
    name="sgnht",
    title="stochastic-gradient Nosé-Hoover thermostat",
    summary="Momenta along the gradient of a minibatch, with a friction that adapts until their "
    "mean square is 1, so that it also balances the unknown noise of the gradient. The step size "
    "is a time, about the root of that of `sghmc`.",
    formula="p' = p - z p h + g h + sqrt(2 A h) xi, xi ~ Normal(0, I); q' = q + p' h; z' = z + "
    "(mean of p'^2 - 1) h",
    references=(Reference("Ding et al. 2014", "algorithm 2"),),
    example="sampler: {sgnht: {step_size: 0.01}}",
    Options=Options,
    minibatches=True,
)
