"""Score matching of data with noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import NoOptions
from specc.catalog.shorthand import Outline, Shorthand, energy_of_data, long_form, number, player


class Options(NoOptions):
    """`{denoising_score_matching: {sigma: 0.1}}`."""

    sigma: float = Field(description="The standard deviation of the noise.", gt=0, le=1e6)


def expand(options: Mapping[str, Any], outline: Outline) -> str:
    """One player and a program that adds noise to the data."""
    energy, program = energy_of_data(outline), outline.fresh("noisy")
    noisy, sigma = f"{program}.value", number(options["sigma"])
    gradient = f"grad({energy.at(noisy)}, {noisy})"
    loss = f"sum(({gradient} - ({noisy} - {energy.node}) / {sigma} ** 2) ** 2) / 2"
    node = f"{{latent: normal, loc: {energy.node}, scale: {sigma}}}"
    return long_form({"matching": player(loss, energy.trained)}, {program: {"value": node}})


ENTRY = Shorthand(
    name="denoising_score_matching",
    title="denoising score matching",
    summary="One player: the gradient of the energy at data with noise fits the direction back to "
    "the data. The model becomes the distribution of data with noise.",
    formula="E[|grad E(y) - (y - x) / sigma^2|^2 / 2], x data, y ~ Normal(x, sigma)",
    references=(Reference("Vincent 2011", "section 4: a Gaussian kernel"),),
    example="objective: {denoising_score_matching: {sigma: 0.1}}",
    expand=expand,
    Options=Options,
)
