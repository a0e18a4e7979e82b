"""Score matching: the gradient of the energy fits that of the log-density of the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specc.catalog.entry import Reference
from specc.catalog.shorthand import Outline, Shorthand, energy_of_data, long_form, player


def expand(options: Mapping[str, Any], outline: Outline) -> str:
    """One player with the second derivatives of the energy."""
    del options
    energy = energy_of_data(outline)
    curvature = f"laplacian({energy.at(energy.node)}, {energy.node})"
    loss = f"sum({energy.gradient} ** 2) / 2 - {curvature}"
    return long_form({"matching": player(loss, energy.trained)})


ENTRY = Shorthand(
    name="score_matching",
    title="score matching",
    summary="One player: the gradient of the energy fits that of -log p of the data, without the "
    "normalizing constant. It takes a gradient for each entry of the data, so it is for few "
    "entries.",
    formula="E_data[|grad E(x)|^2 / 2 - laplacian E(x)]",
    references=(Reference("Hyvarinen 2005", "theorem 1"),),
    example="objective: score_matching",
    expand=expand,
)
