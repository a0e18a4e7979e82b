"""Noise-contrastive estimation: the energy tells data from noise of a known density."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import NoOptions
from specc.catalog.shorthand import (
    NodeName,
    NoLongForm,
    Outline,
    Shorthand,
    energy_of_data,
    long_form,
    player,
)


class Options(NoOptions):
    """`{noise_contrastive: {noise: contrast.x}}`."""

    noise: NodeName = Field(
        description="The node of a program with the noise, such as `contrast.x`. It has the name "
        "of the data, and a density."
    )


def expand(options: Mapping[str, Any], outline: Outline) -> str:
    """One player which classifies data and noise by log p - log p_noise."""
    energy, noise = energy_of_data(outline), options["noise"]
    program, _, node = noise.partition(".")
    if node not in outline.random(program):
        raise NoLongForm(f"`{noise}` is no node with a density", "noise")
    if node not in outline.observed("model"):
        (name,) = outline.observed("model")
        raise NoLongForm(f"its node is compared with the data `{name}`; name it so", "noise")
    data = f"softplus({energy.at(energy.node)} + log_prob({noise}, at=data))"
    drawn = f"softplus(-({energy.at(noise)}) - log_prob({noise}))"
    return long_form({"contrast": player(f"{data} + {drawn}", energy.trained)})


ENTRY = Shorthand(
    name="noise_contrastive",
    title="noise-contrastive estimation",
    summary="One player: the logit by which the model tells a row of data from a row of noise is "
    "log p(x) - log p_noise(x), with log p(x) = -E(x). The energy is normalized at the optimum, so "
    "it needs a constant to learn: a parameter, or the bias of a link.",
    formula="E_data[softplus(-G(x))] + E_noise[softplus(G(x))], G(x) = -E(x) - log p_noise(x)",
    references=(Reference("Gutmann and Hyvarinen 2010", "section 2.1"),),
    example="objective: {noise_contrastive: {noise: contrast.x}}",
    expand=expand,
    Options=Options,
)
