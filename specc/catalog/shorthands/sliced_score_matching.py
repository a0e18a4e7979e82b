"""Score matching along random directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specc.catalog.entry import Reference
from specc.catalog.shorthand import Outline, Shorthand, energy_of_data, long_form, player


def expand(options: Mapping[str, Any], outline: Outline) -> str:
    """One player and a program with a normal direction for each row."""
    del options
    energy, program = energy_of_data(outline), outline.fresh("directions")
    direction = f"{program}.value"
    slope = f"sum({direction} * {energy.gradient})"
    curvature = f"sum({direction} * grad({slope}, {energy.node}))"
    loss = f"sum({energy.gradient} ** 2) / 2 - {curvature}"
    node = f'{{latent: normal, loc: "0 * {energy.node}", scale: 1}}'
    return long_form({"matching": player(loss, energy.trained)}, {program: {"value": node}})


ENTRY = Shorthand(
    name="sliced_score_matching",
    title="sliced score matching",
    summary="One player: score matching, with the second derivatives of the energy along a random "
    "direction for each row, whose mean is their sum. The square is exact, for less variance.",
    formula="E_data E_v[|grad E(x)|^2 / 2 - v^T (grad^2 E(x)) v], v ~ Normal(0, 1)",
    references=(
        Reference("Song et al. 2019, Sliced score matching", "section 3: variance reduction"),
    ),
    example="objective: sliced_score_matching",
    expand=expand,
)
