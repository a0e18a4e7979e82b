"""A multilayer perceptron: linear layers with an activation between them."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import Link
from specc.catalog.links.blocks.dense import head, stack
from specc.catalog.links.blocks.initialization import initializer
from specc.catalog.links.blocks.options import Sizes, StackOptions


class Options(StackOptions):
    """`{mlp: [500, 500], activation: tanh}`."""

    mlp: Sizes = Field(description="The sizes of the hidden layers.")


def trunk(options: Options, input: Shape, outputs: tuple[Shape, ...]) -> Lowered:
    """The hidden layers, up to the last activation."""
    del outputs
    (inputs,) = input
    layers = stack(options, inputs, options.mlp)
    return Lowered(layers, (inputs, *options.mlp)[-1:], initializer(options.init))


ENTRY = Link(
    name="mlp",
    summary="A multilayer perceptron: linear layers with an activation between them.",
    formula="h_0 = x, h_i = f(W_i h_(i-1) + b_i)\ny = W h_n + b",
    references=(
        Reference(
            "Rumelhart, Hinton and Williams (1986), Learning representations by"
            " back-propagating errors",
            "eq. 1, 2",
        ),
    ),
    example="{mlp: [500, 500], activation: tanh}",
    Options=Options,
    trunk=trunk,
    head=head,
    affine=lambda options: options.is_linear or not options.mlp,
)
