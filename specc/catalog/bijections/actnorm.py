"""A scale and a shift for each channel, with data-dependent initialization."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.events import channels
from specc.catalog.bijections.blocks.steps import step
from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.link import LinkOptions


class Options(LinkOptions):
    """`{actnorm: true}`, or the word `actnorm` alone."""

    actnorm: Literal[True] = Field(True, description="`true`, or no value.")


def layer(shape: Shape) -> Layer:
    """The layer, for vectors or images."""
    own = {"log_scale": (shape[0],), "shift": (shape[0],)}
    return step("actnorm.ActNorm", shape, own=own)


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """One layer."""
    del options, context
    channels(shape)
    return Lowered((layer(shape),), shape)


ENTRY = Bijection(
    name="actnorm",
    summary="A scale and a shift for each channel, initialized from the first batch.",
    formula=(
        "x_c = exp(s_c) u_c + b_c for each channel c\n"
        "log |det dx/du| = (entries of a channel) sum_c s_c"
    ),
    references=(
        Reference(
            "Kingma and Dhariwal (2018), Glow: Generative flow with invertible 1x1 convolutions",
            "section 3.1",
        ),
    ),
    example="{actnorm: true}",
    Options=Options,
    lower=lower,
    conditional=False,
)
