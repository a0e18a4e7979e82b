"""A stack of convolutions, from an image to features, or to another image."""

from __future__ import annotations

import math

from pydantic import Field

from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.link import Link, LinkShapeError, takes_images
from specc.catalog.links.blocks import dense
from specc.catalog.links.blocks.folding import fold
from specc.catalog.links.blocks.initialization import initializer
from specc.catalog.links.blocks.options import SomeSizes
from specc.catalog.links.blocks.spatial import (
    SpatialOptions,
    activation_maps,
    as_image,
    convolution,
    convolved,
    words,
)


class Options(SpatialOptions):
    """`{conv: [32, 64], kernel: 3, stride: 2, hidden: [256]}`."""

    conv: SomeSizes = Field(description="The channels of each convolution.")


def trunk(options: Options, input: Shape, outputs: tuple[Shape, ...]) -> Lowered:
    """The convolutions, and for vector outputs a flattening layer and the hidden layers."""
    image = as_image(input)
    if image is None:
        raise LinkShapeError(
            f"takes an image [channels, height, width], and is given {words(input)}",
            "give its input such a shape, or use an `mlp`",
        )
    maps, features = _maps(options, image)
    lift = () if len(input) == 3 else (Layer("nn.Unflatten", (-2, (1, input[0]))),)
    if any(len(output) == 3 for output in outputs):
        if options.hidden:
            raise LinkShapeError(
                "has hidden layers, which make a vector, and an image is wanted",
                "leave `hidden` out",
            )
        return Lowered((*lift, maps), features, initializer(options.init))
    size = math.prod(features)
    hidden = dense.stack(options, size, options.hidden)
    layers = (*lift, maps, Layer("nn.Flatten", (-3,)), *hidden)
    return Lowered(layers, (size, *options.hidden)[-1:], initializer(options.init))


def _maps(options: Options, image: Shape) -> tuple[Layer, Shape]:
    k, s, p = options.kernel, options.stride, options.zeros
    channels, height, width = image
    layers: list[Layer] = []
    for after in options.conv:
        height, width = convolved(height, k, s, p), convolved(width, k, s, p)
        layers.append(convolution((channels, after), k, s, p, options.bias))
        layers += activation_maps(options, after)
        channels = after
    return fold(tuple(layers), event_rank=3), (channels, height, width)


def head(options: Options, features: Shape, output: Shape) -> Lowered:
    """A linear map for a vector; for an image, a convolution with the same height and width."""
    if len(features) == 1:
        return dense.head(options, features, output)
    if len(output) != 3 or features[1:] != output[1:]:
        raise LinkShapeError(
            f"makes maps of {features[1]} x {features[2]}, and {words(output)} is wanted",
            "change the stride or the number of layers, or let the link make a vector",
        )
    last = convolution((features[0], output[0]), 1, 1, 0, options.bias)
    return Lowered((fold((last,), event_rank=3),), output, initializer(options.init))


ENTRY = Link(
    name="conv",
    summary="A stack of convolutions, from an image to features, or to another image.",
    formula=(
        "h_0 = x, h_i = f(K_i * h_(i-1) + b_i), * a strided convolution\n"
        "y = W g(h_n) + b, g the hidden dense layers"
    ),
    references=(
        Reference(
            "LeCun et al. (1998), Gradient-based learning applied to document recognition",
            "section II",
        ),
    ),
    example="{conv: [32, 64], kernel: 3, stride: 2, hidden: [256], activation: relu}",
    Options=Options,
    trunk=trunk,
    head=head,
    input_rank=takes_images,
    affine=lambda options: options.is_linear,
)
