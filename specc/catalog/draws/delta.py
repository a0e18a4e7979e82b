"""One learnt point."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.objective import Draw

ENTRY = Draw(
    name="delta",
    summary="The node's value is a learnt point of its support: no distribution, no entropy.",
    references=(Reference("Gelman et al. 2013", "section 13.1"),),
    example="draw: delta",
    needs_continuous=True,
    learns_point=True,
)
