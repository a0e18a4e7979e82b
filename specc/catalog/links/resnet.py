"""Residual blocks of linear layers with pre-activation."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.link import Link
from specc.catalog.links.blocks.dense import activation_layers, head, linear
from specc.catalog.links.blocks.folding import sequence
from specc.catalog.links.blocks.initialization import initializer
from specc.catalog.links.blocks.options import SomeSizes, StackOptions


class Options(StackOptions):
    """`{resnet: [256, 256, 256], activation: relu}`."""

    resnet: SomeSizes = Field(
        description="The size of each residual block; a change of size takes a linear shortcut.",
    )


def trunk(options: Options, input: Shape, outputs: tuple[Shape, ...]) -> Lowered:
    """A linear map to the size of the first block, the blocks, and a final activation."""
    del outputs
    (inputs,) = input
    sizes = (options.resnet[0], *options.resnet)
    blocks = [_block(options, a, b) for a, b in zip(sizes, options.resnet, strict=False)]
    first = linear(inputs, sizes[0], options.bias)
    layers = (first, *blocks, *activation_layers(options, sizes[-1]))
    return Lowered(layers, sizes[-1:], initializer(options.init))


def _block(options: Options, inputs: int, outputs: int) -> Layer:
    """The block x + F(x) with F of two layers, or W x + F(x) if the size changes."""
    residual = sequence(
        (
            *activation_layers(options, inputs),
            linear(inputs, outputs, options.bias),
            *activation_layers(options, outputs),
            linear(outputs, outputs, options.bias),
        )
    )
    shortcut = () if inputs == outputs else (linear(inputs, outputs, bias=False),)
    return Layer(
        "specc.runtime.links.residual.Residual",
        children=(residual, *shortcut),
        names=("block", "shortcut"),
    )


ENTRY = Link(
    name="resnet",
    summary="Residual blocks of linear layers with pre-activation.",
    formula=(
        "h_0 = V x + c, h_i = S_i h_(i-1) + F_i(h_(i-1)), S_i = I where the size stays\n"
        "y = W f(h_n) + b"
    ),
    references=(
        Reference("He et al. (2016), Deep residual learning for image recognition", "eq. 1, 2"),
        Reference("He et al. (2016), Identity mappings in deep residual networks", "fig. 4e"),
    ),
    example="{resnet: [256, 256, 256], activation: silu, normalization: layer}",
    Options=Options,
    trunk=trunk,
    head=head,
)
