"""The schema of `sampler:`, such as `{nuts: {chains: 4}}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specc.language.schema.digests import training
from specc.language.schema.value import Value


class SamplerSpec(Value):
    """A sampler, which draws the latents of the model by Markov chains."""

    name: str = training(about="The name of a sampler.")
    options: Mapping[str, Any] = training(default={}, about="All options of the sampler.")


class ChainSpec(SamplerSpec):
    """A sampler that draws latents for the updates of an objective."""
