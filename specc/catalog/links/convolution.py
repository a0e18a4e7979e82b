"""One convolution, with the channels of what it feeds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.limits import MAX_SIZE
from specc.catalog.link import Link, LinkShapeError, always, takes_images
from specc.catalog.links.blocks.folding import fold
from specc.catalog.links.blocks.initialization import initializer
from specc.catalog.links.blocks.options import Size, SpectralOptions
from specc.catalog.links.blocks.spatial import as_image, convolution, convolved, words


class Options(SpectralOptions):
    """`{convolution: 5, stride: 1, padding: 0}`."""

    convolution: Size = Field(description="The side of each kernel.")
    stride: Size = Field(1, description="The step of each kernel.")
    padding: Annotated[int, Field(ge=0, le=MAX_SIZE)] = Field(
        0, description="The zeros added at each border."
    )


def trunk(options: Options, input: Shape, outputs: tuple[Shape, ...]) -> Lowered:
    """No layers but a first axis of one channel for an image without: the heads act on the input.

    Raises `LinkShapeError` for another input.
    """
    del outputs
    image = as_image(input)
    if image is None:
        raise LinkShapeError(
            f"takes an image [channels, height, width], and is given {words(input)}",
            "give its input such a shape, or use a `linear` link",
        )
    lift = () if len(input) == 3 else (Layer("nn.Unflatten", (-2, (1, input[0]))),)
    return Lowered(lift, image, initializer(options.init))


def head(options: Options, features: Shape, output: Shape) -> Lowered:
    """The convolution; raises `LinkShapeError` if height and width are others."""
    k, s, p = options.convolution, options.stride, options.padding
    channels, *sides = features
    height, width = (convolved(side, k, s, p) for side in sides)
    if len(output) != 3 or output[1:] != (height, width):
        raise LinkShapeError(
            f"makes maps of {height} x {width}, and {words(output)} is wanted",
            f"give what it feeds the shape [channels, {height}, {width}], or change the kernel",
        )
    layer = convolution((channels, output[0]), k, s, p, options.bias)
    return Lowered((fold((layer,), event_rank=3),), output, initializer(options.init))


ENTRY = Link(
    name="convolution",
    summary="One convolution, with as many filters as what it feeds has channels.",
    formula="y_k = sum_c W_kc * x_c + b_k, * a strided convolution",
    references=(
        Reference(
            "Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning",
            "relation 6",
        ),
    ),
    example="{convolution: 5, stride: 1, padding: 0}",
    Options=Options,
    trunk=trunk,
    head=head,
    input_rank=takes_images,
    affine=always,
)
