"""MADE: masked linear layers, in which each entry depends only on entries before it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from specc.catalog.causal import Causal, each_of
from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.links.blocks.activation import Activation
from specc.catalog.links.blocks.initialization import initializer
from specc.catalog.links.blocks.options import Size, Sizes, WeightOptions
from specc.catalog.links.blocks.spatial import given

MODULE = "specc.runtime.causal_links.masked_mlp"


class Options(WeightOptions):
    """`{masked_mlp: [500, 500], activation: relu, orders: 8}`."""

    masked_mlp: Sizes = Field(description="The sizes of the hidden layers.")
    activation: Activation = Field("relu", description="The function after each hidden layer.")
    orders: Size = Field(
        1, description="The number of orders of the entries; the density is the mean over orders."
    )
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(
        0, description="The random seed of the orders; the first one is the natural order."
    )
    direct: bool = Field(
        False, description="Whether entries are also connected to the results directly."
    )

    @property
    def is_direct(self) -> bool:
        """Whether heads are directly connected to the entries; always without hidden layers."""
        return self.direct or not self.masked_mlp


def _orders(options: Options) -> dict[str, object]:
    return given(orders=(options.orders, 1), seed=(options.seed if options.orders > 1 else 0, 0))


def trunk(options: Options, shape: Shape, context: int, classes: int = 0) -> Lowered:
    """The hidden layers; the features are a vector for any shape of the event."""
    del classes  # class numbers enter as numbers
    hidden, size = options.masked_mlp, math.prod(shape)
    named = {
        **({"hidden": hidden, "activation": options.activation} if hidden else {}),
        **given(context=(context, 0)),
        **_orders(options),
        **given(direct=(options.direct, False), bias=(options.bias, True)),
    }
    own = dict(_own(options, size, context))
    layer = Layer(f"{MODULE}.MaskedMLP", (shape,), MappingProxyType(named), own=own)
    features = sum(hidden[-1:]) + size * options.is_direct + context
    return Lowered((layer,), (features,), initializer(options.init))


def _own(options: Options, size: int, context: int) -> Iterator[tuple[str, Shape]]:
    for number, (before, after) in enumerate(pairwise((size, *options.masked_mlp))):
        yield f"layers.{number}.weight", (after, before)
        if options.bias:
            yield f"layers.{number}.bias", (after,)
    if context and options.masked_mlp:
        yield "context.weight", (sum(options.masked_mlp), context)


def head(options: Options, shape: Shape, features: Shape, output: Shape) -> Lowered:
    """A linear map with a strict mask."""
    each = each_of(shape, output)
    size, hidden = math.prod(shape), sum(options.masked_mlp[-1:])
    context = features[0] - hidden - size * options.is_direct
    named = {
        **given(each=(each, ()), context=(context, 0)),
        **_orders(options),
        **given(direct=(options.is_direct, False), bias=(options.bias, True)),
    }
    rows = math.prod(output)
    own = {"weight": (rows, features[0])} | ({"bias": (rows,)} if options.bias else {})
    layer = Layer(f"{MODULE}.MaskedHead", (shape, hidden), MappingProxyType(named), own=own)
    return Lowered((layer,), output, initializer(options.init))


ENTRY = Causal(
    name="masked_mlp",
    summary="MADE: masked linear layers; each entry depends only on entries before it.",
    formula=(
        "h_1 = f((W_1 M_1) x + b_1 + U_1 c),  h_l = f((W_l M_l) h_(l-1) + b_l + U_l c)\n"
        "y = (V M_V) h_L + (A M_A) x + b + B c, the masks M of zeros and ones, entry by entry"
    ),
    references=(
        Reference(
            "Germain et al. (2015), MADE: Masked autoencoder for distribution estimation",
            "eq. 8-15; several orders: section 4.2",
        ),
        Reference(
            "Frey, Hinton and Dayan (1996), Does the wake-sleep algorithm produce good density"
            " estimators?",
            "section 3, for no hidden layers",
        ),
    ),
    example="{masked_mlp: [500, 500], activation: relu, orders: 8}",
    Options=Options,
    trunk=trunk,
    head=head,
)
