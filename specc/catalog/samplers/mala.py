"""The Metropolis-adjusted Langevin algorithm, for many chains."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.sampler import Sampler, SamplerOptions


class Options(SamplerOptions):
    """`{mala: {chains: 1024, warmup: 500, draws: 500}}`."""

    target_accept: float = Field(
        0.574,
        description="The mean probability of acceptance to which the step size adapts; the "
        "default is optimal for many independent coordinates.",
        gt=0,
        lt=1,
    )


ENTRY = Sampler(
    name="mala",
    title="Metropolis-adjusted Langevin algorithm",
    summary="A step along the gradient with noise, accepted or rejected: `hmc` with trajectories "
    "of one leapfrog step. The chains advance in lock step, and the step size and the diagonal "
    "metric L adapt to all of them together.",
    formula="y = q + s^2 / 2 L^2 grad log p(q | data) + s L xi, xi ~ Normal(0, 1); q' = y with "
    "probability min(1, p(y) k(q | y) / (p(q) k(y | q))), else q",
    references=(
        Reference("Roberts and Tweedie 1996", "section 1.4.2"),
        Reference("Roberts and Rosenthal 1998", "the optimal acceptance"),
    ),
    example="sampler: {mala: {chains: 1024, warmup: 500, draws: 500}}",
    Options=Options,
)
