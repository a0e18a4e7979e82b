"""Steps of actnorm, an invertible matrix and an affine coupling."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections import actnorm, invertible
from specc.catalog.bijections.blocks.couplings import coupling
from specc.catalog.bijections.blocks.events import halves
from specc.catalog.bijections.blocks.options import Networks
from specc.catalog.bijections.blocks.steps import chain
from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.link import LinkOptions
from specc.catalog.links.blocks.options import Size


class Glow(Networks):
    """The options under `glow:`."""

    steps: Size = Field(8, description="How many steps there are.")


class Options(LinkOptions):
    """`{glow: {steps: 8, hidden: [128, 128]}}`."""

    glow: Glow = Field(description="The steps and their networks.")


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """From the draw to the value, each step is a coupling, a matrix and an actnorm."""
    size, given = halves(shape), options.glow
    made: list[Layer] = []
    for number in range(given.steps):
        made += [
            coupling("AffineCoupling", size, 0, given, context, each=2),
            invertible.layer(shape, number),
            actnorm.layer(shape),
        ]
    return Lowered((chain(tuple(made)),), shape)


ENTRY = Bijection(
    name="glow",
    summary="steps of actnorm, an invertible matrix and an affine coupling",
    references=(
        Reference(
            "Kingma and Dhariwal (2018), Glow: Generative flow with invertible 1x1 convolutions",
            "section 3, table 1",
        ),
    ),
    example="{glow: {steps: 8, hidden: [128, 128]}}",
    Options=Options,
    lower=lower,
)
