"""Maximum a posteriori."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.objective import Objective

ENTRY = Objective(
    name="map",
    title="log-posterior, up to a constant",
    summary="The log-density of the data and of the global latents, each at one learnt point.",
    formula="log p(x | w) + log p(w)",
    references=(Reference("Gelman et al. 2013", "section 13.1"),),
    example="objective: map",
    guided=False,
    variable="log_posterior",
    shared="delta",
)
