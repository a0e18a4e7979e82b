"""Masked convolutions that increase in each entry."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.steps import chain, step
from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.limits import MAX_COMPONENTS
from specc.catalog.link import LinkOptions, LinkShapeError
from specc.catalog.links.blocks.options import Depth
from specc.catalog.links.blocks.spatial import words

Maps = Annotated[int, Field(ge=1, le=MAX_COMPONENTS)]
Kernel = Annotated[int, Field(ge=3, le=15)]


class Convolutions(LinkOptions):
    """The options under `masked_convolution:`."""

    layers: Depth = Field(4, description="The number of maps, in alternating orders.")
    depth: Depth = Field(1, description="The number of hidden layers of each map.")
    maps: Maps = Field(16, description="The number of hidden units of each entry.")
    kernel: Kernel = Field(3, description="The width of the windows, an odd number.")


class Options(LinkOptions):
    """`{masked_convolution: {layers: 4, maps: 16, kernel: 3}}`."""

    masked_convolution: Convolutions = Field(description="The maps and their convolutions.")


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """A chain of maps; every other one has the entries in the reverse order."""
    given = options.masked_convolution
    if not 1 <= len(shape) <= 3:
        raise LinkShapeError(
            f"maps vectors and images, and is given {words(shape)}",
            "give the node a shape such as `[8]`, `[28, 28]` or `[3, 32, 32]`",
        )
    if given.kernel % 2 == 0:
        raise LinkShapeError(
            f"has windows of {given.kernel} entries, without an entry in the middle",
            "give `kernel` an odd number",
        )
    channels, height, width = (1, 1, *shape)[-3:]
    window = tuple(given.kernel if side > 1 else 1 for side in (height, width))
    sizes = [1, *[given.maps] * given.depth, 1]
    own: dict[str, Shape] = {"log_scale": (channels,)}
    for number, (before, after) in enumerate(pairwise(sizes)):
        own[f"log_own.{number}"] = (channels, after, before)
    for number, (before, after) in enumerate(pairwise(sizes)):
        own[f"earlier.{number}.weight"] = (channels * after, channels * before, *window)
        own[f"earlier.{number}.bias"] = (channels * after,)
    if context:
        own["context.weight"] = (given.depth * given.maps * channels, context)
    kind = "masked_convolution.MaskedConvolution"
    named = {"depth": given.depth, "maps": given.maps, "kernel": given.kernel}
    made = [
        step(kind, shape, own=own, context=context, options=named | {"reverse": n % 2 == 1})
        for n in range(given.layers)
    ]
    return Lowered((chain(tuple(made)),), shape)


ENTRY = Bijection(
    name="masked_convolution",
    summary="Masked convolutions that increase in each entry, for vectors and images (MintNet).",
    formula=(
        "u_i = exp(t_i) x_i + w_i' tanh(v_i x_i + b_i) + c_i, with w_i, v_i > 0, and b_i and c_i"
        " from convolutions over the entries before i\n"
        "log |det du/dx| = sum_i log du_i/dx_i"
    ),
    references=(
        Reference(
            "Song, Meng and Ermon (2019), MintNet: Building invertible neural networks with masked "
            "convolutions",
            "sections 3.1 and 3.2",
        ),
    ),
    example="{masked_convolution: {layers: 4, maps: 16, kernel: 3}}",
    Options=Options,
    lower=lower,
    forward="a root for each entry, and passes until entries agree",
)
