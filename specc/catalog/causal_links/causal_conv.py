"""WaveNet: dilated causal convolutions, in which each step depends only on previous steps."""

from __future__ import annotations

from types import MappingProxyType

from pydantic import Field

from specc.catalog.causal import Causal, each_of
from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.link import LinkShapeError
from specc.catalog.links.blocks import dense
from specc.catalog.links.blocks.initialization import initializer
from specc.catalog.links.blocks.options import Size, SomeSizes, WeightOptions
from specc.catalog.links.blocks.spatial import given, words


class Options(WeightOptions):
    """`{causal_conv: 32, dilations: [1, 2, 4, 8], kernel: 2}`."""

    causal_conv: Size = Field(description="The number of channels of each layer.")
    dilations: SomeSizes = Field((1, 2, 4, 8), description="The dilation of each layer.")
    kernel: Size = Field(2, description="The kernel size of each layer, in steps.")


def trunk(options: Options, shape: Shape, context: int, classes: int = 0) -> Lowered:
    """The gated layers."""
    del classes  # class numbers enter as numbers
    if len(shape) not in (1, 2):
        raise LinkShapeError(
            f"takes a series [time] or [time, channels], and is given {words(shape)}",
            "give the node such a shape, or use a `masked_mlp`",
        )
    maps = options.causal_conv
    named = {
        "dilations": options.dilations,
        "kernel": options.kernel,
        **given(context=(context, 0), bias=(options.bias, True)),
    }
    layer = Layer(
        "specc.runtime.causal_links.causal_conv.CausalConv",
        (shape, maps),
        MappingProxyType(named),
        own=_own(options, (*shape, 1)[1], context),
    )
    return Lowered((layer,), (shape[0], maps), initializer(options.init))


def _own(options: Options, channels: int, context: int) -> dict[str, Shape]:
    listed: dict[str, Shape] = {}
    maps, kernel, last = options.causal_conv, options.kernel, len(options.dilations) - 1

    def convolution(name: str, *shape: int) -> None:
        listed[f"{name}.weight"] = shape
        if options.bias:
            listed[f"{name}.bias"] = shape[:1]

    convolution("first", maps, channels, kernel)
    for number in range(last + 1):
        convolution(f"layers.{number}.gates", 2 * maps, maps, kernel)
        convolution(f"layers.{number}.skip", maps, maps, 1)
        if number < last:
            convolution(f"layers.{number}.residual", maps, maps, 1)
    convolution("last", maps, maps, 1)
    if context:
        listed["context.weight"] = ((last + 1) * 2 * maps, context)
    return listed


def head(options: Options, shape: Shape, features: Shape, output: Shape) -> Lowered:
    """One linear map for every step; the features of a step depend only on previous steps."""
    each_of(shape, output)
    step = dense.head(options, features[1:], output[1:])
    return Lowered(step.layers, output, step.init)


ENTRY = Causal(
    name="causal_conv",
    summary="WaveNet: dilated causal convolutions; each step depends only on previous steps.",
    formula=(
        "(a, b) = K *_d h + U c,  z = tanh(a) sigmoid(b),  h' = h + R z\n"
        "y = the sum over the layers of S z"
    ),
    references=(
        Reference(
            "van den Oord et al. (2016), WaveNet: A generative model for raw audio",
            "eq. 2, fig. 4; the context: section 2.5",
        ),
    ),
    example="{causal_conv: 32, dilations: [1, 2, 4, 8], kernel: 2}",
    Options=Options,
    trunk=trunk,
    head=head,
    together=lambda shape: len(shape) - 1,
)
