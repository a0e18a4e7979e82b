"""Gated PixelCNN: masked convolutions, in which each pixel depends only on previous pixels."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from specc.catalog.causal import Causal, each_of
from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.limits import MAX_SIZE
from specc.catalog.link import LinkShapeError
from specc.catalog.links.blocks.initialization import initializer
from specc.catalog.links.blocks.options import Depth, Size, WeightOptions
from specc.catalog.links.blocks.spatial import as_image, given, words

MODULE = "specc.runtime.causal_links.masked_conv"


class Options(WeightOptions):
    """`{masked_conv: 64, depth: 5, kernel: 5}`."""

    masked_conv: Size = Field(
        description="The number of channels of each stack, divided among the colours."
    )
    depth: Depth = Field(5, description="The number of gated layers.")
    kernel: Annotated[int, Field(ge=3, le=MAX_SIZE)] = Field(
        5, description="The side of each kernel, before the mask; an odd number."
    )
    spatial: bool = Field(
        False,
        description="Whether the context consists of maps with the height and width of the image, "
        "so that each pixel depends on its entries at the same place.",
    )


def trunk(options: Options, shape: Shape, context: int, classes: int = 0) -> Lowered:
    """The gated layers of both stacks."""
    del classes  # class numbers enter as numbers
    image, maps = as_image(shape), options.masked_conv
    if image is None:
        raise LinkShapeError(
            f"takes an image [channels, height, width], and is given {words(shape)}",
            "give the node such a shape, or use a `masked_mlp`",
        )
    if options.kernel % 2 == 0:
        raise LinkShapeError(
            f"has a kernel of {options.kernel}, which has no middle", "use an odd number"
        )
    if maps < image[0]:
        raise LinkShapeError(
            f"shares out {maps} maps to {image[0]} channels", "use at least one map a channel"
        )
    at_each_pixel = _at_each_pixel(options, image, context)
    named = {
        "depth": options.depth,
        "kernel": options.kernel,
        **given(
            context=(at_each_pixel or context, 0),
            spatial=(options.spatial, False),
            bias=(options.bias, True),
        ),
    }
    own = _own(options, image[0], at_each_pixel or context)
    layer = Layer(f"{MODULE}.MaskedConv", (shape, maps), MappingProxyType(named), own=own)
    return Lowered((layer,), (maps, *image[1:]), initializer(options.init))


def _at_each_pixel(options: Options, image: Shape, context: int) -> int:
    """The size of the context at each pixel if it is `spatial`; raises `LinkShapeError`."""
    if not options.spatial:
        return 0
    each, rest = divmod(context, math.prod(image[1:]))
    if rest or not each:
        raise LinkShapeError(
            f"is `spatial`, and is conditioned on {context} numbers, which are no maps of"
            f" {image[1]} x {image[2]}",
            f"condition it on a node of shape [.., {image[1]}, {image[2]}]",
        )
    return each


def _own(options: Options, channels: int, context: int) -> dict[str, Shape]:
    listed: dict[str, Shape] = {}
    maps, half = options.masked_conv, options.kernel // 2 + 1

    def convolution(name: str, *shape: int, bias: bool = options.bias) -> None:
        listed[f"{name}.weight"] = shape
        if bias:
            listed[f"{name}.bias"] = shape[:1]

    for number in range(options.depth):
        before = maps if number else channels
        convolution(f"layers.{number}.vertical", 2 * maps, before, half, options.kernel)
        convolution(f"layers.{number}.horizontal", 2 * maps, before, 1, half)
        convolution(f"layers.{number}.across", 2 * maps, 2 * maps, 1, 1, bias=False)
        convolution(f"layers.{number}.residual", maps, maps, 1, 1)
    convolution("last", maps, maps, 1, 1)
    if context:
        side = (1, 1) if options.spatial else ()
        listed["context.weight"] = (options.depth * 4 * maps, context, *side)
    return listed


def head(options: Options, shape: Shape, features: Shape, output: Shape) -> Lowered:
    """A 1x1 convolution, masked within the pixel."""
    each = each_of(shape, output)
    named = given(each=(each, ()), bias=(options.bias, True))
    channels = (1, *shape)[-3] * math.prod(each)
    own: dict[str, Shape] = {"weight": (channels, features[0], 1, 1)}
    if options.bias:
        own["bias"] = (channels,)
    layer = Layer(
        f"{MODULE}.MaskedConvHead", (shape, features[0]), MappingProxyType(named), own=own
    )
    return Lowered((layer,), output, initializer(options.init))


ENTRY = Causal(
    name="masked_conv",
    summary="Gated PixelCNN: masked convolutions; each pixel depends only on previous pixels.",
    formula=(
        "(a_v, b_v) = K_v * v + U_v c,                  v' = tanh(a_v) sigmoid(b_v)\n"
        "(a_h, b_h) = K_h * h + N (a_v, b_v) + U_h c,   h' = h + R (tanh(a_h) sigmoid(b_h))"
    ),
    references=(
        Reference(
            "van den Oord et al. (2016), Conditional image generation with PixelCNN decoders",
            "eq. 2 and 4, fig. 1 and 2; `spatial`: section 2.3",
        ),
    ),
    example="{masked_conv: 64, depth: 5, kernel: 5}",
    Options=Options,
    trunk=trunk,
    head=head,
)
