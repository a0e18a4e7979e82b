"""Relativistic generative adversarial networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import NoOptions
from specc.catalog.shorthand import (
    LinkName,
    NodeName,
    Outline,
    Shorthand,
    long_form,
    node_of,
    player,
    trainable_for,
)


class Options(NoOptions):
    """`{relativistic_gan: {critic: d, sample: model.x}}`."""

    critic: LinkName = Field(description="The link that gives a number for data and for samples.")
    sample: NodeName = Field("model.x", description="The node whose draws are compared with data.")
    steps: int = Field(1, description="The critic updates in each step.", ge=1, le=10_000)


def expand(options: Mapping[str, Any], outline: Outline) -> str:
    """Critic and generator, each with the loss softplus of a difference of critic values."""
    critic, sample = options["critic"], options["sample"]
    real, fake = f"{critic}(data.{node_of(sample)})", f"{critic}({sample})"
    trained = trainable_for(outline, sample, without=critic)
    players = {
        "critic": player(f"softplus({fake} - {real})", [critic], steps=options["steps"]),
        "generator": player(f"softplus({real} - {fake})", trained),
    }
    return long_form(players)


ENTRY = Shorthand(
    name="relativistic_gan",
    title="relativistic generative adversarial network",
    summary="Two players: the critic is trained to give data a larger value than samples, and the "
    "generator is trained for the reverse.",
    formula="critic: -log sigmoid(d(x) - d(G(z))); generator: -log sigmoid(d(G(z)) - d(x))",
    references=(
        Reference("Jolicoeur-Martineau 2018, The relativistic discriminator", "section 4.2"),
    ),
    example="objective: {relativistic_gan: {critic: d, sample: model.x}}",
    expand=expand,
    Options=Options,
)
