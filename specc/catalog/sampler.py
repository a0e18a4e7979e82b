"""The catalog entries of samplers, which draw the latents of a model by Markov chains.

The module with the name of the entry under `specc.engine.samplers` computes its transitions.
"""

from __future__ import annotations

from msgspec import Struct
from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import NoOptions


class SamplerOptions(NoOptions):
    """The options of all samplers."""

    chains: int = Field(4, description="The number of chains.", ge=1, le=100_000)
    warmup: int = Field(
        1000,
        description="The number of transitions of each chain in which the sampler adapts; they "
        "are not kept.",
        ge=0,
        le=10**7,
    )
    draws: int = Field(
        1000,
        description="The number of draws of each chain after the warm-up.",
        ge=1,
        le=10**7,
        json_schema_extra={"digest": "steering"},  # a run that resumes may make more
    )


class MinibatchOptions(SamplerOptions):
    """The options of the samplers along gradients of minibatches."""

    step_size: float = Field(description="The step size h of the first update.", gt=0, le=1e6)
    decay: float = Field(
        0.0,
        description="The number c in the step size of update t, step_size (1 + t / delay)^-c.",
        ge=0,
        le=1,
    )
    delay: float = Field(
        1000.0, description="The number of updates after which a decay sets in.", gt=0, le=1e9
    )
    thinning: int = Field(1, description="The number of updates of a transition.", ge=1, le=10**6)


class Sampler(Struct, frozen=True):
    """A sampler: its name, its options, and what it leaves invariant.

    It moves points of the unconstrained numbers along the gradient of the log-density of the
    posterior. `fewest_warmup` is the number of transitions in which it can adapt. With
    `minibatches` the gradient is estimated by `train.batch_size` rows.
    """

    name: str
    title: str
    summary: str
    formula: str
    references: tuple[Reference, ...]
    example: str
    Options: type[SamplerOptions]
    fewest_warmup: int = 0
    minibatches: bool = False
