"""Hamiltonian Monte Carlo with trajectories of random length, for many chains."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.sampler import Sampler, SamplerOptions


class Options(SamplerOptions):
    """`{hmc: {chains: 1024, warmup: 200, draws: 100}}`."""

    target_accept: float = Field(
        0.8,
        description="The mean probability of acceptance to which the step size adapts.",
        gt=0,
        lt=1,
    )
    trajectory_length: float = Field(
        1.5,
        description="The mean time of a trajectory, in units in which the standard deviation of "
        "a coordinate is 1.",
        gt=0,
        le=1e6,
    )
    jitter: float = Field(
        0.5,
        description="The length of each trajectory is that times a uniform number between 1 - "
        "jitter and 1 + jitter.",
        ge=0,
        lt=1,
    )
    max_leapfrog: int = Field(
        1000, description="The largest number of leapfrog steps of a trajectory.", ge=1, le=100_000
    )


ENTRY = Sampler(
    name="hmc",
    title="Hamiltonian Monte Carlo",
    summary="Trajectories of a random length, the same for all chains, which advance in lock step. "
    "The step size and the diagonal metric adapt to all chains together.",
    formula="H(q, p) = -log p(q | data) + |p|^2 / 2; q' = the end of the trajectory with "
    "probability min(1, exp(H(start) - H(end))), else q",
    references=(
        Reference("Duane et al. 1987"),
        Reference("Neal 2011, MCMC using Hamiltonian dynamics", "sections 3.2 and 5.4"),
    ),
    example="sampler: {hmc: {chains: 1024, warmup: 200, draws: 100}}",
    Options=Options,
)
