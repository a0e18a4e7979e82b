"""Blocks of networks with a Lipschitz constant less than 1, as layers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from specc.catalog.bijections.blocks.events import vector
from specc.catalog.bijections.blocks.steps import chain, step
from specc.catalog.entry import Lowered, Shape
from specc.catalog.link import LinkOptions
from specc.catalog.links.blocks.options import Depth, SomeSizes

Bend = Literal["elu", "lipswish", "sin"]
Coefficient = Annotated[float, Field(gt=0, lt=1)]


class Blocks(LinkOptions):
    """The options of a stack of such blocks."""

    layers: Depth = Field(8, description="How many blocks stand one after the other.")
    hidden: SomeSizes = Field((128, 128), description="The sizes of each network's hidden layers.")
    activation: Bend = Field("sin", description="The function between two layers.")
    coefficient: Coefficient = Field(
        0.99, description="The largest spectral norm of each layer's matrix."
    )


def blocks(
    kind: str, networks: tuple[str, ...], options: Blocks, shape: Shape, context: int
) -> Lowered:
    """Blocks of the class `kind`, each with the networks of these names."""
    size = vector(shape)
    own: dict[str, Shape] = {}
    for name in networks:
        own |= _contraction(f"{name}.", size, options, context)
    named = {
        "hidden": options.hidden,
        "activation": options.activation,
        "coefficient": options.coefficient,
    }
    layer = step(kind, size, own=own, context=context, options=named)
    return Lowered((chain((layer,) * options.layers),), shape)


def _contraction(prefix: str, size: int, options: Blocks, context: int) -> dict[str, Shape]:
    """The parameters of a `Contraction`."""
    sizes = [size, *options.hidden, size]
    own: dict[str, Shape] = {}
    if options.activation == "lipswish":
        own["beta"] = (len(options.hidden),)
    for number, pair in enumerate(zip(sizes[1:], sizes[:-1], strict=True)):
        own |= {f"linear.{number}.weight": pair, f"linear.{number}.bias": pair[:1]}
    if context:
        own["context.weight"] = (options.hidden[0], context)
    return {prefix + name: shape for name, shape in own.items()}
