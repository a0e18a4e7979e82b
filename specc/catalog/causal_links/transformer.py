"""Transformers: causal self-attention, in which each step attends to previous steps."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from pydantic import Field

from specc.catalog.causal import Causal, each_of
from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.link import LinkShapeError
from specc.catalog.links.blocks import dense
from specc.catalog.links.blocks.initialization import initializer
from specc.catalog.links.blocks.options import Depth, Probability, Size, WeightOptions
from specc.catalog.links.blocks.spatial import given, words


class Options(WeightOptions):
    """`{transformer: 128, depth: 4, heads: 4, dropout: 0.1}`."""

    transformer: Size = Field(description="The size of the vector of each step.")
    depth: Depth = Field(4, description="The number of blocks.")
    heads: Size = Field(
        4, description="The number of attention heads, among which the vector is divided."
    )
    hidden: Size | None = Field(
        None,
        description="The size of the hidden layer of each block, by default four times the vector.",
    )
    dropout: Probability = Field(
        0.0,
        description="The fraction of entries of each residual branch set to zero in training.",
    )


def trunk(options: Options, shape: Shape, context: int, classes: int = 0) -> Lowered:
    """The embedding and the blocks."""
    if len(shape) not in (1, 2):
        raise LinkShapeError(
            f"takes a series [time] or [time, channels], and is given {words(shape)}",
            "give the node such a shape, or use a `masked_conv` for an image",
        )
    width, heads = options.transformer, options.heads
    if width % heads:
        raise LinkShapeError(
            f"divides vectors of {width} among {heads} heads", f"use a multiple of {heads}"
        )
    hidden = options.hidden or 4 * width
    named = {
        **given(depth=(options.depth, 4), heads=(heads, 4), hidden=(hidden, 4 * width)),
        **given(dropout=(options.dropout, 0.0), classes=(classes, 0), context=(context, 0)),
        **given(bias=(options.bias, True)),
    }
    layer = Layer(
        "specc.runtime.causal_links.transformer.Transformer",
        (shape, width),
        MappingProxyType(named),
        own=dict(_own(options, hidden, (*shape, 1)[:2], classes, context)),
    )
    return Lowered((layer,), (shape[0], width), initializer(options.init))


def _own(
    options: Options, hidden: int, series: Shape, classes: int, context: int
) -> Iterator[tuple[str, Shape]]:
    (time, channels), width = series, options.transformer

    def linear(name: str, outputs: int, inputs: int) -> Iterator[tuple[str, Shape]]:
        yield f"{name}.weight", (outputs, inputs)
        if options.bias:
            yield f"{name}.bias", (outputs,)

    def norm(name: str) -> Iterator[tuple[str, Shape]]:
        yield f"{name}.weight", (width,)
        if options.bias:
            yield f"{name}.bias", (width,)

    yield "first", (width,)
    yield "positions", (time, width)
    if classes:
        yield "embedding.weight", (channels * classes, width)
    else:
        yield from linear("embedding", width, channels)
    if context:
        yield "context.weight", (width, context)
    for number in range(options.depth):
        block = f"blocks.{number}"
        yield from norm(f"{block}.before_attention")
        yield from linear(f"{block}.attention.inputs", 3 * width, width)
        yield from linear(f"{block}.attention.output", width, width)
        yield from norm(f"{block}.before_network")
        yield from linear(f"{block}.network.0", hidden, width)
        yield from linear(f"{block}.network.2", width, hidden)
    yield from norm("last")


def head(options: Options, shape: Shape, features: Shape, output: Shape) -> Lowered:
    """One linear map for every step; the features of a step depend only on previous steps."""
    each_of(shape, output)
    step = dense.head(options, features[1:], output[1:])
    return Lowered(step.layers, output, step.init)


ENTRY = Causal(
    name="transformer",
    summary="Causal self-attention with learnt positions; each step attends to previous steps.",
    formula=(
        "h_t = E x_(t-1) + P_t + U c, h_1 = e + P_1 + U c\n"
        "h = h + A(norm(h)),  h = h + W_2 gelu(W_1 norm(h)), block by block\n"
        "A(h)_t = V_o sum_(s <= t) softmax_s(q_t k_s / sqrt(d)) v_s for each head, (q, k, v) = W h"
    ),
    references=(
        Reference(
            "Vaswani et al. (2017), Attention is all you need",
            "eq. 1, section 3.2.2; masked: section 3.2.3",
        ),
        Reference(
            "Radford et al. (2019), Language models are unsupervised multitask learners",
            "section 2.3, normalization before each part of a block",
        ),
    ),
    example="{transformer: 128, depth: 4, heads: 4, dropout: 0.1}",
    Options=Options,
    trunk=trunk,
    head=head,
    together=lambda shape: len(shape) - 1,
    remembers=True,
)
