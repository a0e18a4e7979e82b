"""NADE: one hidden layer for each entry, with weights that all entries share."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from specc.catalog.causal import Causal, each_of
from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.links.blocks.activation import Activation
from specc.catalog.links.blocks.initialization import initializer
from specc.catalog.links.blocks.options import Size, WeightOptions
from specc.catalog.links.blocks.spatial import given

MODULE = "specc.runtime.causal_links.nade"


class Options(WeightOptions):
    """`{nade: 500, activation: sigmoid, orders: 8}`."""

    nade: Size = Field(description="The size of the hidden layer of each entry.")
    activation: Activation = Field("sigmoid", description="The function after the hidden layer.")
    orders: Size = Field(
        1, description="The number of orders of the entries; the density is the mean over orders."
    )
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(
        0, description="The random seed of the orders; the first one is the natural order."
    )


def trunk(options: Options, shape: Shape, context: int, classes: int = 0) -> Lowered:
    """The hidden layers of all entries, [entries, hidden]."""
    hidden, size, several = options.nade, math.prod(shape), options.orders > 1
    named = {
        **given(activation=(options.activation, "sigmoid"), orders=(options.orders, 1)),
        **given(seed=(options.seed if several else 0, 0), classes=(classes, 0)),
        **given(context=(context, 0), bias=(options.bias, True)),
    }
    own: dict[str, Shape] = {"entries.weight": (hidden, size * max(classes, 1))}
    if options.bias:
        own["entries.bias"] = (hidden,)
    if context:
        own["context.weight"] = (hidden, context)
    layer = Layer(f"{MODULE}.NADE", (shape, hidden), MappingProxyType(named), own=own)
    return Lowered((layer,), (size, hidden), initializer(options.init))


def head(options: Options, shape: Shape, features: Shape, output: Shape) -> Lowered:
    """A linear map for each entry, of its own hidden layer."""
    each = each_of(shape, output)
    named = given(each=(each, ()), bias=(options.bias, True))
    rows, hidden = math.prod(output), features[-1]
    own: dict[str, Shape] = {"weight": (rows, hidden)}
    if options.bias:
        own["bias"] = (rows,)
    layer = Layer(f"{MODULE}.NADEHead", (shape, hidden), MappingProxyType(named), own=own)
    return Lowered((layer,), output, initializer(options.init))


ENTRY = Causal(
    name="nade",
    summary="NADE: a hidden layer for each entry, whose weights all entries share.",
    formula="h_i = f(c + sum_(j before i) W_j x_j + U c'),  y_i = b_i + V_i h_i",
    references=(
        Reference(
            "Larochelle and Murray (2011), The neural autoregressive distribution estimator",
            "eq. 9 and 10",
        ),
        Reference(
            "Uria, Murray and Larochelle (2014), A deep and tractable density estimator",
            "section 3.1, several orders that share the weights",
        ),
    ),
    example="{nade: 500, activation: sigmoid, orders: 8}",
    Options=Options,
    trunk=trunk,
    head=head,
)
