"""Options that several bijections share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from specc.catalog.link import LinkOptions
from specc.catalog.links.blocks.activation import Activation
from specc.catalog.links.blocks.options import Depth, SomeSizes

Seed = Annotated[int, Field(ge=0, lt=2**31)]


class Networks(LinkOptions):
    """The options of bijections with networks."""

    hidden: SomeSizes = Field((128, 128), description="The sizes of each network's hidden layers.")
    activation: Activation = Field("relu", description="The function between two layers.")


class Layers(Networks):
    """The options of a stack of such bijections."""

    layers: Depth = Field(8, description="The number of layers.")


class Plain(LinkOptions):
    """The options of a stack of bijections without networks."""

    layers: Depth = Field(8, description="The number of layers.")
