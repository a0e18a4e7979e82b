"""A stack of transposed convolutions, from a vector to an image."""

from __future__ import annotations

import math

from pydantic import Field

from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.link import Link, LinkShapeError
from specc.catalog.links.blocks import dense
from specc.catalog.links.blocks.folding import fold
from specc.catalog.links.blocks.initialization import initializer
from specc.catalog.links.blocks.options import SomeSizes
from specc.catalog.links.blocks.spatial import (
    SpatialOptions,
    activation_maps,
    as_image,
    transposed,
    transposed_convolution,
    words,
)


class Options(SpatialOptions):
    """`{deconv: [64, 32], kernel: 3, stride: 2, hidden: [256]}`, the mirror of `conv: [32, 64]`."""

    deconv: SomeSizes = Field(description="The channels before each convolution.")


def trunk(options: Options, input: Shape, outputs: tuple[Shape, ...]) -> Lowered:
    """Hidden layers, a reshaping to an image, and all transposed convolutions but the last."""
    sides = _sides(options, outputs)
    (inputs,) = input
    hidden = dense.stack(options, inputs, options.hidden)
    first = (options.deconv[0], *sides[0])
    before = (inputs, *options.hidden)[-1]
    maps = (
        *hidden,
        dense.linear(before, math.prod(first), options.bias),
        Layer("nn.Unflatten", (-1, first)),
        fold(_maps(options, sides), event_rank=3),
    )
    return Lowered(maps, (options.deconv[-1], *sides[-1]), initializer(options.init))


def _maps(options: Options, sides: list[Shape]) -> tuple[Layer, ...]:
    channels = options.deconv
    layers = list(activation_maps(options, channels[0]))
    for i in range(1, len(channels)):
        layers.append(_up(options, (channels[i - 1], channels[i]), sides[i]))
        layers += activation_maps(options, channels[i])
    return tuple(layers)


def _up(options: Options, channels: tuple[int, int], side: Shape) -> Layer:
    k, s, p = options.kernel, options.stride, options.zeros
    rests = transposed(side[0], k, s, p)[1], transposed(side[1], k, s, p)[1]
    return transposed_convolution(channels, k, s, p, rests, options.bias)


def _sides(options: Options, outputs: tuple[Shape, ...]) -> list[Shape]:
    """Height and width of the input of each transposed convolution, in order."""
    height, width = _wanted(outputs)
    k, s, p = options.kernel, options.stride, options.zeros
    sides: list[Shape] = []
    for _ in options.deconv:
        height, width = transposed(height, k, s, p)[0], transposed(width, k, s, p)[0]
        sides.insert(0, (height, width))
    return sides


def _wanted(outputs: tuple[Shape, ...]) -> tuple[int, int]:
    """The common height and width of the outputs; raises `LinkShapeError` if they differ."""
    sides = set()
    for output in outputs:
        image = as_image(output)
        if image is None:
            raise LinkShapeError(
                f"makes an image [channels, height, width], and {words(output)} is wanted",
                "give what it feeds such a shape, or use an `mlp`",
            )
        sides.add(image[1:])
    if len(sides) > 1:
        sizes = " and ".join(words(output) for output in outputs)
        raise LinkShapeError(
            f"makes images of one height and width, and {sizes} are wanted",
            "use one link for each",
        )
    (side,) = sides
    return side[0], side[1]


def head(options: Options, features: Shape, output: Shape) -> Lowered:
    """The last transposed convolution, to an image of shape `output`."""
    image = as_image(output)
    assert image is not None, "the trunk has seen this output"
    layers = [fold((_up(options, (features[0], image[0]), image[1:]),), event_rank=3)]
    if len(output) == 2:
        layers.append(Layer("nn.Flatten", (-3, -2)))
    return Lowered(tuple(layers), output, initializer(options.init))


ENTRY = Link(
    name="deconv",
    summary="A stack of transposed convolutions, from a vector to an image.",
    formula=(
        "h_0 = g(x) as a small image, g the hidden dense layers\n"
        "h_i = f(K_i *' h_(i-1) + b_i), *' a transposed convolution; the last one without f"
    ),
    references=(
        Reference(
            "Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning",
            "relation 14",
        ),
        Reference(
            "Radford, Metz and Chintala (2016), Unsupervised representation learning with deep"
            " convolutional generative adversarial networks",
            "section 3",
        ),
    ),
    example="{deconv: [64, 32], kernel: 3, stride: 2, hidden: [256], activation: relu}",
    Options=Options,
    trunk=trunk,
    head=head,
    affine=lambda options: options.is_linear,
)
