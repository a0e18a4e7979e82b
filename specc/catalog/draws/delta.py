"""One learnt point."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.objective import Draw

ENTRY = Draw(
    name="delta",
    summary="The node's value is a learnt point of its support: no distribution, no entropy.",
    formula="q(z) puts all its mass at one learnt point; the gradient is that of log p(x, z) in z",
    references=(Reference("Gelman et al. 2013", "section 13.1"),),
    example="draw: delta",
    needs_continuous=True,
    learns_point=True,
)
