"""Every value of a finite node."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.objective import Draw

ENTRY = Draw(
    name="enumerate",
    summary="Every value of the node on an axis of its own, and the exact sum over them.",
    formula="log sum_v p(x, z = v),   or   sum_v q(z = v) f(v) under a guide",
    references=(Reference("Obermeyer et al. 2019", "section 2"),),
    example="draw: enumerate",
    needs_finite=True,
)
