"""The no-U-turn sampler."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.sampler import Sampler, SamplerOptions


class Options(SamplerOptions):
    """`{nuts: {chains: 4, warmup: 1000, draws: 1000}}`."""

    target_accept: float = Field(
        0.8,
        description="The mean probability of acceptance to which the step size adapts.",
        gt=0,
        lt=1,
    )
    max_tree_depth: int = Field(
        10, description="The largest number of doublings of a trajectory.", ge=1, le=20
    )
    metric: Literal["auto", "diagonal", "dense"] = Field(
        "auto",
        description="Whether the metric has the scale of each coordinate, or also their "
        "correlations; `auto` has them for at most 50 coordinates.",
    )


ENTRY = Sampler(
    name="nuts",
    title="no-U-turn sampler",
    summary="Hamiltonian trajectories that double until their ends approach each other; the step "
    "size and the metric adapt to each chain.",
    formula="H(q, p) = -log p(q | data) + |p|^2 / 2; the next q is drawn from the states of a "
    "trajectory with weights exp(-H)",
    references=(
        Reference("Hoffman and Gelman 2014"),
        Reference("Betancourt 2017", "appendix A: multinomial, generalized criterion"),
        Reference("Seyboldt, Carlson and Carpenter 2024", "section 3: the diagonal metric"),
    ),
    example="sampler: {nuts: {chains: 4, warmup: 1000, draws: 1000}}",
    Options=Options,
    fewest_warmup=100,
)
