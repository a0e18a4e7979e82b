"""What is integrated out exactly: a normal latent, and entries of data without a value."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.objective import Draw

ENTRY = Draw(
    name="integrate",
    summary="A normal latent on which what is observed depends linearly is integrated out, on a "
    "sequence by the Kalman filter. For data, entries without a value are, so that the density is "
    "that of the known entries: exact where it is a product over entries.",
    formula="log p(x_known) = log integral p(x_known, x_missing, z) d(x_missing) dz",
    references=(
        Reference("Tipping and Bishop 1999", "equations 3 to 6"),
        Reference("Kalman 1960"),
        Reference("Little and Rubin 2019", "section 6.2"),
        Reference("Nazabal et al. 2020", "section 3.1"),
    ),
    example="missing: integrate",
    needs_gaussian=True,
    leaves_out=True,
)
