"""Maximum likelihood."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.objective import Objective

ENTRY = Objective(
    name="mle",
    title="log-likelihood",
    summary="The log-density of the data, finite latents summed out exactly.",
    formula="log p(x)",
    references=(Reference("Fisher 1922"),),
    example="objective: mle",
    guided=False,
    variable="log_likelihood",
)
