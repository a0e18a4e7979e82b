"""A learnt invertible matrix."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.events import channels
from specc.catalog.bijections.blocks.options import Seed
from specc.catalog.bijections.blocks.steps import step
from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.link import LinkOptions


class Options(LinkOptions):
    """`{invertible: true, seed: 0}`, or the word `invertible` alone."""

    invertible: Literal[True] = Field(True, description="`true`, or no value.")
    seed: Seed = Field(0, description="The random seed of the initial matrix, a rotation.")


def layer(shape: Shape, seed: int) -> Layer:
    """The layer, for vectors or images."""
    return step(
        "invertible_linear.InvertibleLinear",
        shape,
        own={"factors": (shape[0], shape[0])},
        options={"seed": seed},
    )


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """One layer; on an image a 1x1 convolution."""
    del context
    channels(shape)
    return Lowered((layer(shape, options.seed),), shape)


ENTRY = Bijection(
    name="invertible",
    summary="A learnt invertible matrix.",
    formula="u = P L U x\nlog |det du/dx| = (entries of a channel) sum_i log |U_ii|",
    references=(
        Reference(
            "Kingma and Dhariwal (2018), Glow: Generative flow with invertible 1x1 convolutions",
            "section 3.2, eq. 9 to 11",
        ),
    ),
    example="{invertible: true}",
    Options=Options,
    lower=lower,
    conditional=False,
)
