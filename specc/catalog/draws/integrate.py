"""Entries without a value, left out of the density."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.objective import Draw

ENTRY = Draw(
    name="integrate",
    summary="For data alone: entries without a value are integrated out, so that the density is "
    "that of the known entries. Exact where it is a product over entries.",
    references=(
        Reference("Little and Rubin 2019", "section 6.2"),
        Reference("Nazabal et al. 2020", "section 3.1"),
    ),
    example="missing: integrate",
    leaves_out=True,
)
