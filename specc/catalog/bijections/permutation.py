"""Fixed permutations of the entries."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.events import channels
from specc.catalog.bijections.blocks.options import Seed
from specc.catalog.bijections.blocks.steps import step
from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import LinkOptions


class Options(LinkOptions):
    """`{permutation: reverse}`, or `{permutation: random, seed: 0}`."""

    permutation: Literal["reverse", "random"] = Field(description="The order of the entries.")
    seed: Seed = Field(0, description="The random seed of the order.")


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """One layer; for an image it permutes the channels."""
    del context
    size = channels(shape)
    rank = {"rank": len(shape)} if len(shape) > 1 else {}
    if options.permutation == "reverse":
        return Lowered((step("permutation.Reverse", options=rank),), shape)
    return Lowered(
        (step("permutation.Shuffle", size, options={"seed": options.seed, **rank}),), shape
    )


ENTRY = Bijection(
    name="permutation",
    summary="A fixed permutation of the entries.",
    formula="x_i = u_order(i)\nlog |det dx/du| = 0",
    references=(
        Reference(
            "Dinh, Sohl-Dickstein and Bengio (2017), Density estimation using Real NVP",
            "section 3.5, the alternating pattern",
        ),
    ),
    example="{permutation: reverse}",
    Options=Options,
    lower=lower,
    conditional=False,
)
